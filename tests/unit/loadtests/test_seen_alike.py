"""No request of the lab looks like one that only some part of the lab sends: a shop could treat that part better."""

from __future__ import annotations

import itertools
import re
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, NamedTuple, cast

import pytest

from chaos.adapters.customers import Customers
from chaos.model.disguise import intent_key
from chaos.model.dress import LOOKS, Asker, wardrobe
from chaos.model.exchange import Case, Identity
from chaos.model.history import Outcome
from chaos.run.interleaving.client import Ask, HistoryFile, start_line
from chaos.run.interleaving.client import Client as Interleaving
from chaos.run.player import Player
from chaos.run.player import World as Tokens
from loadtests.client import Client
from loadtests.guest import GuestTransport
from loadtests.journey import Call, Reading
from loadtests.wire import Transport, WarmPool

SALT, SEEDS, ORDER = "s3cret", range(5), "/api/orders/8f0c/"
OF_ONE_REQUEST = {"host", "authorization", "idempotency-key", "x-request-id", "content-length"}
LOAD, GUEST, EXCHANGE, INTERLEAVING, LAST_LOOK, LAST_PAGE = KINDS = (
    "load", "guest", "exchange", "interleaving", "last look", "last page"
)  # fmt: skip


class Server:
    """Answers every request with an order, and notes the lines of its head."""

    def __init__(self) -> None:
        self.heads: list[list[str]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.netloc = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        body = b'{"id": "8f0c", "status": "paid"}'
        with closing(connection), connection.makefile("rb") as lines:
            while head := [line.strip() for line in itertools.takewhile(str.strip, _texts(cast("BinaryIO", lines)))]:
                length = next((int(line.split(":")[1]) for line in head if line.lower().startswith("content-len")), 0)
                lines.read(length)
                self.heads.append(head)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def _texts(lines: BinaryIO) -> Iterator[str]:
    """The lines until the other side closes."""
    return iter(lambda: lines.readline().decode(), "")


class Look(NamedTuple):
    """What is seen of a request: its kind of request, and something of its head."""

    asked: str
    seen: str


def looks(head: list[str]) -> Iterator[Look]:
    """The order of the lines, and each line that is not of this one request alone."""
    lines = [line.partition(": ") for line in head[1:]]
    own = [name for name, _, _ in lines if name.lower() in ("authorization", "idempotency-key")]
    asked = f"{head[0].split()[0]} {len(own)}"
    yield Look(asked, " ".join(name for name, _, _ in lines))
    for name, _, value in lines:
        form = re.sub(r"[0-9a-z]", "x", value) if name.lower() in ("x-request-id", "idempotency-key") else value
        if name.lower() not in OF_ONE_REQUEST or form != value:
            yield Look("any", f"{name}: {form}")


def of_the_load(server: Server, seed: int, *, guest: bool) -> None:
    numbers = itertools.count()
    recorder = SimpleNamespace(
        figures=SimpleNamespace(in_flight=0), end=lambda *_, **__: None,
        begin=lambda *_, **__: SimpleNamespace(number=next(numbers), id=f"0-{next(numbers)}"),
    )  # fmt: skip
    load, guests = wardrobe(seed, server.netloc)
    host, port = server.netloc.split(":")
    pool = WarmPool(host, int(port), timeout_s=5.0)
    client = Client(
        base_url=f"http://{server.netloc}", transport=GuestTransport(host, int(port)) if guest else Transport(pool),
        dresses=[guests] if guest else load, salt=SALT, recorder=cast("Any", recorder), timeout_s=5.0,
        samples=cast("Any", SimpleNamespace(offer=lambda *_, **__: None)), now_s=time.monotonic,
    )  # fmt: skip
    for customer in range(LOOKS):
        mine = {"Authorization": f"Bearer {customer}"}
        key = mine | {"Idempotency-Key": intent_key(SALT, customer)}
        for method, headers, body in (("GET", mine, b""), ("GET", {}, b""), ("POST", key, b"{}"), ("POST", mine, b"")):
            call = Call(
                op="x", method=method, head=client.head(method, ORDER, headers=headers, length=len(body)), body=body,
                read=lambda *_: Reading(Outcome.OK), intended=0.0, customer=customer,
            )  # fmt: skip
            assert client.exchange(call).outcome is Outcome.OK


def of_exchanges(server: Server, seed: int) -> None:
    world = Tokens(cast={"customer": {"access": "a"}})
    player = Player(f"http://{server.netloc}", world, now_unix_s=time.time, t0_unix_s=time.time(), salt=SALT, seed=seed)
    asked: tuple[tuple[Any, Identity, str | None, dict[str, str]], ...] = (
        ("GET", "customer", None, {}),
        ("GET", "anonymous", None, {}),
        ("POST", "customer", "{}", {"Idempotency-Key": intent_key(SALT, 0)}),
        ("POST", "customer", None, {}),
    )
    for number in range(40):
        for method, identity, body, headers in asked:
            case = Case(
                id=f"reads-{number}{method}{body}", section="reads", operation="x", identity=identity, method=method,
                path=ORDER, body=body, headers=headers,
            )  # fmt: skip
            assert player.send(case, id_=case.id, rows=None).status == 200
    player.close()


def of_interleavings(server: Server, seed: int, folder: Path) -> None:
    start = start_line(t0_unix_s=0.0, variant="v", seed=seed, salt=SALT)
    history = HistoryFile(folder / f"{seed}.jsonl", start)
    client = Interleaving(
        base_url=f"http://{server.netloc}", history=history, salt=SALT, seed=seed, now_s=time.monotonic
    )
    for customer in range(LOOKS):
        key = (("Idempotency-Key", intent_key(SALT, customer)),)
        for ask in (
            Ask(op="poll", method="GET", path=ORDER, access="a", customer=customer),
            Ask(op="buy", method="POST", path="/api/orders/", access="a", body={}, headers=key, customer=customer),
            Ask(op="cancel", method="POST", path=f"{ORDER}cancel/", access="a", customer=customer),
        ):
            assert client.send(ask).status == 200
    client.close()
    history.close()


def of_last_looks(server: Server, seed: int) -> None:
    shop = Customers(f"http://{server.netloc}")
    for customer in range(LOOKS):
        shown = shop.order(f"8f0{customer}", access="a", customer=customer, asker=Asker(seed, SALT))
        assert shown.http_status == 200


def of_last_pages(server: Server, seed: int) -> None:
    shop = Customers(f"http://{server.netloc}")
    for look in range(LOOKS):
        [seats] = shop.seats("gig", [1], look=look, asker=Asker(seed, SALT))
        assert seats.http_status == 200


def test_nothing_is_seen_in_one_kind_of_request_only(server: Server, tmp_path: Path) -> None:
    sends: dict[str, Callable[[int], None]] = {
        LOAD: lambda seed: of_the_load(server, seed, guest=False),
        GUEST: lambda seed: of_the_load(server, seed, guest=True),
        EXCHANGE: lambda seed: of_exchanges(server, seed),
        INTERLEAVING: lambda seed: of_interleavings(server, seed, tmp_path),
        LAST_LOOK: lambda seed: of_last_looks(server, seed),
        LAST_PAGE: lambda seed: of_last_pages(server, seed),
    }
    seen: defaultdict[Look, set[str]] = defaultdict(set)
    for kind, seed in itertools.product(KINDS, SEEDS):
        server.heads.clear()
        sends[kind](seed)
        assert server.heads, kind
        for head in server.heads:
            for look in looks(head):
                seen[look].add(kind)
    alone = {look: kinds for look, kinds in seen.items() if len(kinds) == 1}
    assert not alone, "seen in one kind only"
    told = {look: kinds for look, kinds in seen.items() if not kinds & {LOAD, GUEST}}
    assert not told, "never seen in the load"


def test_the_last_look_comes_from_the_client_that_the_customer_had(server: Server) -> None:
    of_the_load(server, 7, guest=False)
    of_load = [head[1:-1] for head in server.heads if head[0].startswith("GET") and len(head) > 3]
    server.heads.clear()
    of_last_looks(server, 7)
    agents = [sorted(line for line in head if line.lower().startswith("user-agent")) for head in server.heads]
    assert agents == [sorted(x for x in head if x.lower().startswith("user-agent")) for head in of_load[::2]]
