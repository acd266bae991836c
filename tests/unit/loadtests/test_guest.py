"""The guest's own client, and which arrivals are the guest's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import msgspec
import pytest
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError

from chaos.model.history import Outcome
from chaos.model.loadplan import LoadPlan, PlanPhase
from loadtests.guest import LARGEST_SHARE, SMALLEST_SHARE, GuestTransport, is_guests, share, world_of
from loadtests.journey import Call, Reading
from loadtests.world import World, WorldCustomer

HEAD = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


def call(customer: int | None = None, body: bytes = b"") -> Call:
    method, ok = "POST" if body else "GET", Reading(Outcome.OK)
    return Call(op="x", method=method, head=HEAD, read=lambda *_: ok, intended=0.0, customer=customer, body=body)


class Server:
    """Answers each request with what `says` makes of it (None hangs up), and notes what each connection brought."""

    def __init__(self, says: Callable[[bytes], bytes | None]) -> None:
        self._says = says
        self.connections: list[list[bytes]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append([])
            heard = self.connections[-1]
            threading.Thread(target=self._serve, args=(connection, heard), daemon=True).start()

    def _serve(self, connection: socket.socket, heard: list[bytes]) -> None:
        with closing(connection):
            while request := connection.recv(65536):
                heard.append(request)
                answer = self._says(request)
                if answer is None:
                    return
                connection.sendall(answer)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def serving() -> Iterator[Callable[[Callable[[bytes], bytes | None]], tuple[Server, GuestTransport]]]:
    made: list[tuple[Server, GuestTransport]] = []

    def serve(says: Callable[[bytes], bytes | None]) -> tuple[Server, GuestTransport]:
        server = Server(says)
        made.append((server, GuestTransport("127.0.0.1", server.port)))
        return made[-1]

    yield serve
    for server, transport in made:
        transport.close()
        server.close()


def ok(_: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Stale: true\r\n\r\nhi"


def test_an_answer_with_status_headers_and_body(serving) -> None:
    _, transport = serving(ok)
    answer = transport.send_once(call(), HEAD)
    assert (answer.status, answer.body, answer.head.get("x-stale")) == (200, b"hi", "true")
    assert ("Content-Length", "2") in answer.head.items()


def test_each_account_keeps_a_connection_of_its_own(serving) -> None:
    server, transport = serving(ok)
    for customer in (1, 2, 1, None, 2, None):
        transport.send_once(call(customer), HEAD)
    assert sorted(len(heard) for heard in server.connections) == [2, 2, 2]


def test_a_connection_that_the_server_closed_is_not_used_again(serving) -> None:
    server, transport = serving(lambda _: b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    for _ in range(3):
        assert transport.send_once(call(1), HEAD).status == 200
    assert len(server.connections) == 3


def test_silence_is_told_and_never_sent_again(serving) -> None:
    server, transport = serving(lambda _: None)
    with pytest.raises(HTTPConnectionClosed):
        transport.send_once(call(1), HEAD)
    assert [len(heard) for heard in server.connections] == [1]


def test_nonsense_is_no_answer(serving) -> None:
    _, transport = serving(lambda _: b"nonsense\r\n\r\n")
    with pytest.raises(HTTPParseError):
        transport.send_once(call(1), HEAD)


def test_an_answer_that_ends_early_has_a_status_and_no_body() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with closing(connection):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi")

        thread = threading.Thread(target=serve)
        thread.start()
        answer = GuestTransport("127.0.0.1", listener.getsockname()[1]).send_once(call(), HEAD)
        thread.join(20)
    assert (answer.status, answer.body) == (200, None)


def test_a_refused_connection() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        GuestTransport("127.0.0.1", port).send_once(call(), HEAD)


def plan(*rates: float) -> LoadPlan:
    phases = [
        PlanPhase(
            name=str(n), start_s=float(n), duration_s=1.0, rate_from_per_s=1.0, rate_to_per_s=rate, mix={"buy": 1}
        )
        for n, rate in enumerate(rates)
    ]
    nothing = {"base_url": "", "world_file": "", "out_dir": ""}
    return LoadPlan(run_id="r", scenario="s", variant="v", seed=7, t0_unix_s=0.0, phases=phases, **nothing)


def test_a_few_requests_a_second_and_enough_to_compare() -> None:
    assert share(plan(12.0)) == LARGEST_SHARE
    assert share(plan(12.0, 30.0)) == pytest.approx(0.1)
    assert share(plan(500.0)) == SMALLEST_SHARE


def test_a_die_picks_the_arrivals() -> None:
    picked = [index for index in range(10_000) if is_guests(7, index, 0.15)]
    assert 1350 < len(picked) < 1650
    assert picked != [index for index in range(10_000) if is_guests(8, index, 0.15)]
    assert picked == [index for index in range(10_000) if is_guests(7, index, 0.15)]


def test_its_accounts_are_nobody_elses() -> None:
    customers = (WorldCustomer(id=1, username="a", access="t"),)
    guests = (WorldCustomer(id=2, username="b", access="u"),)
    world = World(variant="v", password="p", events=(), tiers=(), customers=customers, guests=guests)
    seen = world_of(world)
    assert seen is not None
    assert (seen.customers, world.customers) == (guests, customers)
    assert world_of(msgspec.structs.replace(world, guests=())) is None
