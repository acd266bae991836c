"""One fresh connection, one harmless question, and never an exception."""

from __future__ import annotations

import socket
import struct
import time

import pytest

from chaos.adapters.canary import Canary
from tests.unit.chaos.adapters.servers import closed_port, tcp_server

HELLO = {
    "shop_to_postgres": (struct.pack("!ii", 8, 80877103), b"N"),
    "shop_to_cache": (b"PING\r\n", b"+PONG\r\n"),
    "shop_to_broker": (b"PING\r\n", b"+PONG\r\n"),
    "shop_to_gateway": (b"GET /health HTTP/1.1\r\nHost: canary\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
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


def test_nobody_listens() -> None:
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
