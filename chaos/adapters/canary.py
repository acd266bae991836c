"""Fresh connections through the proxies, asking each upstream something that needs no login and changes nothing."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Mapping

from chaos.ports import CanaryReading

# PostgreSQL answers one byte to the request for TLS before any login. Source: PostgreSQL docs, "SSLRequest".
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_QUESTIONS = {
    "shop_to_postgres": _SSL_REQUEST,
    "shop_to_cache": b"PING\r\n",
    "shop_to_broker": b"PING\r\n",
    "shop_to_gateway": b"GET /health HTTP/1.1\r\nHost: canary\r\nConnection: close\r\n\r\n",
}


class Canary:
    """Asks one question over a connection of its own."""

    def __init__(self, listens: Mapping[str, str]) -> None:
        self._listens = {proxy: _address(listen) for proxy, listen in listens.items()}

    def read(self, proxy: str, *, timeout_s: float) -> CanaryReading:
        try:
            connection = socket.create_connection(self._listens[proxy], timeout=timeout_s)
        except OSError as error:
            return CanaryReading(connected=False, round_trip_s=None, error=type(error).__name__)
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asked = time.perf_counter()
            try:
                connection.sendall(_QUESTIONS[proxy])
                answer = connection.recv(1)
            except OSError as error:
                return CanaryReading(connected=True, round_trip_s=None, error=type(error).__name__)
            if not answer:
                return CanaryReading(connected=True, round_trip_s=None, error="closed without an answer")
            return CanaryReading(connected=True, round_trip_s=round(time.perf_counter() - asked, 6))


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    return host, int(port)
