"""One fresh connection, one harmless question, and never an exception."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable

import pytest

from chaos.adapters.canary import Canary
from chaos.ports import Exchange
from tests.unit.chaos.adapters.servers import closed_port, http_server, tcp_server

HELLO = {
    "shop_to_postgres": (struct.pack("!ii", 8, 80877103), b"N"),
    "shop_to_cache": (b"PING\r\n", b"+PONG\r\n"),
    "shop_to_broker": (b"PING\r\n", b"+PONG\r\n"),
    "shop_to_gateway": (
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
    ),
    "shop_to_mail": (b"NOOP\r\n", b"220 mail\r\n250 OK\r\n"),
}


@pytest.mark.parametrize("proxy", HELLO)
def test_each_upstream_is_asked_in_its_own_words(proxy: str) -> None:
    question, answer = HELLO[proxy]
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        heard.append(connection.recv(4096))
        connection.sendall(answer)

    with tcp_server(serve) as address:
        reading = Canary({proxy: address}).read(proxy, timeout_s=5.0)
    assert heard == [question]
    assert reading.connected
    assert reading.round_trip_s is not None
    assert reading.error == ""


def test_a_delay_is_measured_from_the_question_on() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        time.sleep(0.2)
        connection.sendall(b"+")

    with tcp_server(serve) as address:
        reading = Canary({"shop_to_cache": address}).read("shop_to_cache", timeout_s=5.0)
    assert reading.round_trip_s is not None
    assert reading.round_trip_s >= 0.2


def test_a_mail_server_s_greeting_is_no_answer() -> None:
    """It comes unasked: a delay on the way there would not be felt."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"220 mail\r\n")
        connection.recv(4096)
        time.sleep(0.2)
        connection.sendall(b"250 OK\r\n")

    with tcp_server(serve) as address:
        reading = Canary({"shop_to_mail": address}).read("shop_to_mail", timeout_s=5.0)
    assert reading.round_trip_s is not None
    assert reading.round_trip_s >= 0.2


def test_a_mail_server_that_greets_and_falls_silent_has_not_answered() -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(b"220 mail\r\n")
        connection.recv(4096)
        connection.recv(1)  # until the canary gives up

    with tcp_server(serve) as address:
        reading = Canary({"shop_to_mail": address}).read("shop_to_mail", timeout_s=0.1)
    assert (reading.connected, reading.round_trip_s, reading.error) == (True, None, "TimeoutError")


def test_an_upstream_without_a_listener() -> None:
    reading = Canary({"shop_to_cache": f"127.0.0.1:{closed_port()}"}).read("shop_to_cache", timeout_s=1.0)
    assert (reading.connected, reading.round_trip_s, reading.error) == (False, None, "ConnectionRefusedError")


def test_connected_and_closed_without_an_answer() -> None:
    with tcp_server(lambda connection: connection.recv(4096) and None) as address:
        reading = Canary({"shop_to_cache": address}).read("shop_to_cache", timeout_s=5.0)
    assert (reading.connected, reading.round_trip_s, reading.error) == (True, None, "closed without an answer")


def test_connected_and_never_answered() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.recv(1)  # until the canary gives up

    with tcp_server(serve) as address:
        reading = Canary({"shop_to_cache": address}).read("shop_to_cache", timeout_s=0.1)
    assert (reading.connected, reading.round_trip_s, reading.error) == (True, None, "TimeoutError")


def test_connected_and_reset() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with tcp_server(serve) as address:
        reading = Canary({"shop_to_cache": address}).read("shop_to_cache", timeout_s=5.0)
    assert (reading.connected, reading.round_trip_s, reading.error) == (True, None, "ConnectionResetError")


# --- an echo ---------------------------------------------------------------------------------------------------------


def answering(*pieces: bytes, every_s: float = 0.0, linger_s: float = 0.0) -> Callable[[socket.socket], None]:
    """Answer the first question in *pieces*, then wait for the end and close *linger_s* after it."""

    def serve(connection: socket.socket) -> None:
        connection.settimeout(20)
        question = b""
        while question.count(b"x") < 100:
            question += connection.recv(65536)
        for piece in pieces:
            time.sleep(every_s)
            connection.sendall(piece)
        while pieces and connection.recv(65536):
            pass
        time.sleep(linger_s)

    return serve


def echo(address: str, *, timeout_s: float = 5.0, finish: bool = False, proxy: str = "shop_to_cache") -> Exchange:
    return Canary({proxy: address}).echo(proxy, 100, timeout_s=timeout_s, finish=finish)


@pytest.mark.parametrize("proxy", HELLO)
def test_each_upstream_is_sent_what_it_gives_back(proxy: str) -> None:
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        heard.append(b"")
        while heard[0].count(b"x") < 100:
            heard[0] += connection.recv(65536)
        connection.sendall(b"head " + b"x" * 100 + b" tail")

    with tcp_server(serve) as address:
        exchange = Canary({proxy: address}, postgres_user="me").echo(proxy, 100, timeout_s=5.0)
    assert exchange.whole
    assert 105 <= exchange.received <= 110
    assert exchange.error == ""
    known = {
        "shop_to_postgres": b"user\x00me\x00database\x00postgres\x00_pq_.x",
        "shop_to_gateway": b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx",
        "shop_to_mail": b"XECHO x",
    }
    assert known.get(proxy, b"*2\r\n$4\r\nECHO\r\n$100\r\nx") in heard[0]


def test_pieces_and_pauses_are_measured() -> None:
    with tcp_server(answering(b"x" * 40, b"x" * 60, every_s=0.1)) as address:
        exchange = echo(address)
    assert (exchange.whole, exchange.received, exchange.reads) == (True, 100, 2)
    assert exchange.first_s is not None
    assert exchange.last_s is not None
    assert exchange.first_s >= 0.1
    assert exchange.last_s >= 0.2
    assert exchange.closed_s is None


@pytest.mark.parametrize(
    "pieces", [[b"+OK\r\n", b"x" * 100], [b"+O", b"K\r", b"\n" + b"x" * 100], [b"+OK\r\n" + b"x" * 100]]
)
def test_a_login_goes_ahead_in_one_go_and_its_answer_is_no_part_of_the_echo(pieces: list[bytes]) -> None:
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        heard.append(b"")
        while heard[0].count(b"x") < 100:
            heard[0] += connection.recv(65536)
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.05)

    with tcp_server(serve) as address:
        canary = Canary({"shop_to_broker": address}, redis_login=b"AUTH lab secret\r\n")
        exchange = canary.echo("shop_to_broker", 100, timeout_s=5.0)
    assert heard[0].startswith(b"AUTH lab secret\r\n*2\r\n$4\r\nECHO")
    assert (exchange.whole, exchange.received, exchange.reads, exchange.error) == (True, 105, 1, "")


def test_the_close_is_measured() -> None:
    with tcp_server(answering(b"x" * 100, linger_s=0.2)) as address:
        exchange = echo(address, finish=True)
    assert exchange.closed_s is not None
    assert exchange.closed_s >= 0.2


def test_a_close_that_does_not_come() -> None:
    with tcp_server(answering(b"x" * 100, linger_s=1.0)) as address:
        exchange = echo(address, finish=True, timeout_s=0.5)
    assert (exchange.whole, exchange.closed_s) == (True, None)


def test_an_answer_that_is_cut() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"x" * 30)

    with tcp_server(serve) as address:
        exchange = echo(address)
    assert (exchange.whole, exchange.received, exchange.error) == (False, 30, "closed")


def test_an_answer_that_does_not_come() -> None:
    with tcp_server(lambda connection: connection.recv(1) and connection.recv(1) and None) as address:
        exchange = echo(address, timeout_s=0.2)
    assert (exchange.connected, exchange.received) == (True, 0)
    assert exchange.error in ("TimeoutError", "ConnectionResetError")


def test_an_echo_of_a_refused_connection() -> None:
    assert echo(f"127.0.0.1:{closed_port()}") == Exchange(connected=False, error="ConnectionRefusedError")


@pytest.mark.parametrize("size", [0, 8001])
def test_an_echo_that_no_upstream_would_take(size: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to 8000"):
        Canary({"shop_to_cache": "127.0.0.1:1"}).echo("shop_to_cache", size, timeout_s=1.0)


# --- a process -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 503])
def test_an_api_that_answers_is_there_whatever_it_says(status: int) -> None:
    with http_server() as server:
        server.json("GET /live", {}, status)
        reading = Canary({}, api_url=server.url).process("api", timeout_s=5.0)
    assert reading.round_trip_s is not None
    assert reading.error == ""


def test_an_api_that_takes_connections_and_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as paused:  # the kernel connects for it
        reading = Canary({}, api_url=f"http://127.0.0.1:{paused.getsockname()[1]}").process("api", timeout_s=0.3)
    assert (reading.round_trip_s, reading.error) == (None, "ReadTimeout")


def test_a_worker_whose_broker_is_away_does_not_answer() -> None:
    reading = Canary({}, broker_url=f"redis://127.0.0.1:{closed_port()}/1").process("worker", timeout_s=0.3)
    assert reading.round_trip_s is None
    assert reading.error != ""
