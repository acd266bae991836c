"""Counting Redis' commands by its own MONITOR."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from chaos.adapters.redis import CommandWatch, RedisWitness
from chaos.config import Redis
from chaos.errors import LabBroken
from tests.unit.chaos.adapters.servers import closed_port, tcp_server

Monitor = tuple[Callable[[bytes], None], Redis]


@pytest.fixture
def monitored() -> Iterator[Monitor]:
    """Say something as Redis would, and where to listen."""
    said: list[bytes] = []
    go, over = threading.Semaphore(0), threading.Event()

    def serve(connection: socket.socket) -> None:
        assert connection.recv(100) == b"MONITOR\r\n"
        connection.sendall(b"+OK\r\n")
        while go.acquire(timeout=20) and not over.is_set():
            connection.sendall(said.pop(0))
            heard.set()

    heard = threading.Event()

    def say(text: bytes) -> None:
        heard.clear()
        said.append(text)
        go.release()
        assert heard.wait(20)

    with tcp_server(serve) as address:
        host, _, port = address.rpartition(":")
        yield say, Redis(host=host, port=int(port))
        over.set()
        go.release()


def until(watch: CommandWatch, count: int) -> None:
    for _ in range(2000):
        if watch.count() == count:
            return
        threading.Event().wait(0.005)
    pytest.fail(f"got {watch.count()} commands, expected {count}")


def test_commands_of_its_database_count_and_the_lab_s_own_do_not(monitored: Monitor) -> None:
    say, address = monitored
    watch = CommandWatch(address, 0)
    assert watch.count() == 0
    say(
        b'+1700000000.123456 [0 127.0.0.1:5] "GET" "a [1 b] \\"SET\\""\r\n+1700000000.2 [1 127.0.0.1:6] "BRPOP" "q"\r\n'
    )
    say(b'+1700000000.3 [0 127.0.0.1:7] "PING"\r\n+1700000000.4 [0 127.0.0.1:7] "CLIENT" "SETINFO"\r\n')
    say(b'+1700000000.5 [0 127.0.0.1:8] "se')  # cut in two
    say(b't" "a" "1"\r\n+1700000000.6 [0 lua] "GET" "a"\r\n')
    until(watch, 3)
    watch.close()


def test_a_lost_connection_to_redis_is_a_missing_witness(monitored: Monitor) -> None:
    _, address = monitored
    watch = CommandWatch(address, 0)
    watch.close()
    with pytest.raises(LabBroken, match=r"^redis: MONITOR: got OSError, expected its commands$"):
        watch.count()


def test_no_server_to_watch() -> None:
    with pytest.raises(LabBroken, match=r"^redis: got ConnectionRefusedError, expected it to be watched$"):
        CommandWatch(Redis(host="127.0.0.1", port=closed_port()), 0)


def test_a_redis_that_refuses() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"-NOPERM\r\n")

    with tcp_server(serve) as address, pytest.raises(LabBroken, match=r"^redis: MONITOR: got b'-NOPE', expected \+OK$"):
        CommandWatch(Redis(host="127.0.0.1", port=int(address.rpartition(":")[2])), 0)


def test_it_logs_in_before_it_watches() -> None:
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        while b"".join(heard).count(b"\n") < 2:
            heard.append(connection.recv(100))
        connection.sendall(b"+OK\r")  # cut anywhere
        connection.sendall(b'\n+OK\r\n+1700000000.1 [0 127.0.0.1:5] "GET" "a"\r\n')
        connection.recv(100)

    with tcp_server(serve) as address:
        port = int(address.rpartition(":")[2])
        watch = CommandWatch(Redis(host="127.0.0.1", port=port, user="lab", password="p"), 0)
        until(watch, 1)
        watch.close()
    assert b"".join(heard) == b"AUTH lab p\r\nMONITOR\r\n"


def test_a_wrong_password_is_told_without_it() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"-WRONGPASS invalid username-password pair or user is disabled.\r\n")

    with tcp_server(serve) as address:
        asked = Redis(host="127.0.0.1", port=int(address.rpartition(":")[2]), user="lab", password="hush")
        with pytest.raises(LabBroken) as caught:
            CommandWatch(asked, 0)
    assert str(caught.value).startswith("redis: MONITOR: got b'-WRONGPASS")
    assert "hush" not in str(caught.value)


def test_clients_are_those_of_the_shop_s_own_user() -> None:
    """The canary and the lab log in as other users; if they were counted, the lab would seem to have met the fault."""

    class Listed:
        def client_list(self) -> list[dict[str, str]]:
            common = {"name": "", "idle": "0", "db": "0", "user": "shop"}
            return [
                {**common, "id": "1"},
                {**common, "id": "2", "user": "default"},
                {**common, "id": "3", "user": "lab"},
                {**common, "id": "4", "db": "1"},
                {**common, "id": "5", "name": "whatever it calls itself", "idle": "9"},
            ]

    witness = RedisWitness(Redis(host="h", port=1))
    witness._client = Listed()  # type: ignore[assignment]
    assert witness.clients(0) == {"1": 0.0, "5": 9.0}
