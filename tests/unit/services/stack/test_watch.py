"""Who takes part uninvited: connections past a proxy, foreign clients and listeners, counts that don't match."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from services.stack.layout import Lab, Ports
from services.stack.watch import accounts
from services.stack.watch.accounts import LogFiles, PostgresAccount, accepted_in, sessions_in
from services.stack.watch.connections import Connections
from services.stack.watch.people import People, _is_command

ME = os.getpid()


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def ports(opened: ExitStack) -> Ports:
    """A base port of which PostgreSQL's and its proxy's are listened on, by us."""
    for base in range(31000, 39000, 20):
        ports = Ports(base)
        try:
            servers = [socket.create_server(("127.0.0.1", ports[name])) for name in ("postgres", "shop_to_postgres")]
        except OSError:
            continue
        for server in servers:
            opened.enter_context(server)
        return ports
    raise AssertionError("no free ports")


def people(program: str | None, *, shop_uid: int | None = None) -> People:
    """We are of *program*; None: nobody knows us."""
    mine = {} if program is None else {ME: program}
    return People(
        program=mine, runner=frozenset(), shop_uid=shop_uid, strays=frozenset({ME} if program is None else ())
    )


def found(ports: Ports, who: People) -> list[str]:
    # Its listeners are the proxy's here, whoever we are taken for.
    looking = Connections(ports, os.geteuid(), who.shop_uid, lambda: who)
    looking._served = {}
    return [what for _, what in looking.look()]


def connect(opened: ExitStack, port: int) -> None:
    opened.enter_context(socket.create_connection(("127.0.0.1", port)))


def test_the_shop_past_its_proxy_is_named(opened: ExitStack, ports: Ports) -> None:
    connect(opened, ports["postgres"])
    (what,) = found(ports, people("shop:api"))
    assert f"(pid {ME}, user" in what
    assert what.endswith("of shop:api) is connected to postgres past its proxy")


def test_the_shop_through_its_proxy_and_the_lab_past_it_are_fine(opened: ExitStack, ports: Ports) -> None:
    connect(opened, ports["shop_to_postgres"])
    assert found(ports, people("shop:worker")) == []
    connect(opened, ports["postgres"])
    assert found(ports, people("agent")) == []
    assert found(ports, people("toxiproxy")) == []


def test_a_client_of_a_proxy_that_is_no_program_of_the_shop_is_named(opened: ExitStack, ports: Ports) -> None:
    connect(opened, ports["shop_to_postgres"])
    (what,) = found(ports, people(None))
    assert what.endswith("is a client of shop_to_postgres and no program of the shop")


def test_who_ended_before_anybody_could_ask_is_judged_by_its_user(ports: Ports) -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    me, shop, other = os.geteuid(), 1_880_000_004, 1_880_000_005
    looking = Connections(ports, me, shop, lambda: people(None))
    strangers = {uid: looking.is_stranger(gone.pid, uid, people(None), shop_may=False) for uid in (me, shop, other)}
    assert strangers == {me: False, shop: True, other: True}, "a command of the lab's that is over is none"


def test_a_client_over_ipv6_is_seen_too(opened: ExitStack, ports: Ports) -> None:
    client = opened.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_STREAM))
    client.connect(("::ffff:127.0.0.1", ports["postgres"]))
    assert len(found(ports, people("shop:api"))) == 1


def test_whoever_else_listens_on_a_port_of_the_shop_or_of_a_proxy_is_named(opened: ExitStack, ports: Ports) -> None:
    who = people(None)
    told = [what for _, what in Connections(ports, os.geteuid(), None, lambda: who).look()]
    assert [what.rpartition(") ")[2] for what in told] == [  # there may be more brackets in a command line
        "listens on the port of shop_to_postgres, which is another program's"
    ]


def test_each_is_told_once(opened: ExitStack, ports: Ports) -> None:
    connect(opened, ports["postgres"])
    looking = Connections(ports, os.geteuid(), None, lambda: people("shop:api"))
    looking._served = {}
    assert (len(list(looking.look())), len(list(looking.look()))) == (1, 0)


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        (["{bin}/python", "-m", "services.stack", "status"], True),
        (["{bin}/python", "{bin}/firedrill", "run"], True),
        (["{bin}/python", "-I", "-X", "utf8", "-m", "chaos.cli", "run"], True),
        (["{bin}/python", "-I", "-c", "-m", "chaos.cli"], False),
        (["{bin}/python", "/tmp/firedrill"], False),
        (["{bin}/python"], False),
        (["{bin}/python", "-m", "services.shop.serve", "worker"], False),
        (["{bin}/python", "-c", "x"], False),
        (["/usr/bin/python3", "-m", "services.stack"], False),
        (["/bin/sh"], False),
    ],
)
def test_what_is_a_command_of_the_lab(line: list[str], ours: bool) -> None:
    folder = str(Path(sys.executable).parent)
    assert _is_command([word.replace("{bin}", folder) for word in line]) is ours


def received(pid: int, port: int) -> str:
    message = f"connection received: host=127.0.0.1 port={port}"
    return json.dumps({"timestamp": "12:00", "pid": pid, "remote_port": port, "message": message}) + "\n"


def authorized(pid: int, user: str) -> str:
    return json.dumps({"pid": pid, "user": user, "message": f"connection authorized: user={user}"}) + "\n"


def accepted(proxy: str) -> str:
    return json.dumps({"level": "info", "name": proxy, "message": "Accepted client"}, separators=(",", ":")) + "\n"


class Books:
    """Both logs of a lab."""

    def __init__(self, lab: Lab) -> None:
        self.server = lab.root / "postgres" / "log" / "postgresql-1.json"
        self.proxy = lab.log / "toxiproxy.log"
        (lab.root / "postgres" / "data").mkdir(parents=True)
        self.server.parent.mkdir()
        self.server.write_text(received(1, 1))
        self.proxy.write_text(accepted("shop_to_postgres"))
        self.account = PostgresAccount(lab)
        self.account.open()

    def write(self, server: str = "", proxy: str = "") -> None:
        for file, text in ((self.server, server), (self.proxy, proxy)):
            with file.open("a") as stream:
                stream.write(text)


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Books:
    monkeypatch.setattr(accounts, "PATIENCE_S", 0.5)
    lab = Lab(tmp_path / "lab")
    lab.create()
    return Books(lab)


@pytest.mark.parametrize(
    ("while_it_waits", "waits"),
    [
        (['{"method":"GET","url":"/proxies","message":""}\n'] * 9, 1),  # the lab itself asks Toxiproxy all the time
        ([accepted("shop_to_cache")] * 9, 1),
        ([accepted("shop_to_postgres"), accepted("shop_to_postgres"), ""], 3),
    ],
)
def test_it_begins_when_no_connection_to_postgres_is_on_its_way(
    books: Books, monkeypatch: pytest.MonkeyPatch, while_it_waits: list[str], waits: int
) -> None:
    monkeypatch.setattr(accounts, "PATIENCE_S", 3600)
    waited: list[str] = []

    def wait(_: float) -> None:
        waited.append(while_it_waits[len(waited)])
        books.write(proxy=waited[-1])

    monkeypatch.setattr(accounts.time, "sleep", wait)
    books.account.open()
    assert len(waited) == waits
    monkeypatch.setattr(accounts, "PATIENCE_S", 0)
    books.write(received(2, 2) + authorized(2, "shop"))
    assert len(books.account.close(set())) == 1  # no connection of before covers it


def test_what_came_through_the_proxy_and_the_lab_s_own_come_out_even(books: Books) -> None:
    books.write(received(2, 2) + authorized(2, "shop") + received(3, 3) + authorized(3, "firedrill"))
    books.write(received(4, 4) + authorized(4, "firedrill_reader") + received(5, 5))  # the last one is a canary's
    books.write(proxy=accepted("shop_to_postgres") * 2 + accepted("shop_to_cache"))
    assert books.account.close(set()) == []


def test_one_short_connection_past_the_proxy_is_one_too_many(books: Books) -> None:
    books.write(received(2, 2) + authorized(2, "shop") + received(2, 3) + authorized(2, "shop"))  # a pid used again
    books.write(proxy=accepted("shop_to_postgres"))
    ((_, what),) = books.account.close({2})
    assert "1 more connection(s) than its proxy let through" in what
    assert "port 3 at 12:00 as shop" in what
    assert "port 2" not in what


def test_more_clients_of_the_proxy_than_connections_are_no_stranger(books: Books) -> None:
    books.write(proxy=accepted("shop_to_postgres"))
    assert books.account.close(set()) == []


def test_the_stand_in_s_log_counts_as_the_real_one_s() -> None:
    lines = [b'2026-11-28 15:00:00 INFO {"name":"shop_to_cache","message":"Accepted client"}\n', b"other\n"]
    assert accepted_in(lines, "shop_to_cache") == 1
    assert accepted_in(lines, "shop_to_broker") == 0


def test_a_log_that_is_turned_over_is_followed(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("before\n")
    files = LogFiles(tmp_path, "x.log*")
    files.mark(files.sizes())
    with log.open("a") as stream:
        stream.write("one\n")
    log.rename(tmp_path / "x.log.1")
    log.write_text("two\n")
    assert sorted(files.lines()) == [b"one\n", b"two\n"]


def test_odd_lines_of_the_server_s_log_are_passed_over() -> None:
    lines = [b"{", b'{"message":"connection ', b'{"pid": 1, "message": "connection received: host=::1"}']
    assert [(session.port, session.role) for session in sessions_in([*lines, received(2, 7).encode()])] == [
        (0, ""),
        (7, ""),
    ]
