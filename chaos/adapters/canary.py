"""Fresh connections through the proxies, with a question to each upstream that changes nothing.

The questions to PostgreSQL, gateway and mail catcher need no login; Redis is sent its login first.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Mapping

import httpx

from chaos.adapters.redis import OURS
from chaos.ports import CanaryReading, Exchange

# PostgreSQL answers one byte to the request for TLS before any login. Source: PostgreSQL docs, "SSLRequest".
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_QUESTIONS = {
    "shop_to_postgres": _SSL_REQUEST,
    "shop_to_cache": b"PING\r\n",
    "shop_to_broker": b"PING\r\n",
    "shop_to_gateway": b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "shop_to_mail": b"NOOP\r\n",
}
# Text that the answer must contain, for upstreams that send other bytes first: a mail server greets on connection.
_ANSWERS = {"shop_to_mail": b"\n250"}
# PostgreSQL takes a first packet of at most 10,000 bytes. Source: PostgreSQL, src/include/libpq/pqcomm.h.
MOST_BYTES = 8000
_PIECE = 65536
FIRST_PING_S = 0.5
# How long to wait for the rest of an answer. If a client closes while bytes are on their way to it, Toxiproxy's toxic
# waits to pass them on, and a lift at that moment waits for the toxic.
FINISH_S = 1.0
_REDIS = frozenset({"shop_to_cache", "shop_to_broker"})
_LET_IN = b"+OK\r\n"


class Canary:
    """Asks one question over a connection of its own.

    Args:
        listens: Proxy → `host:port`.
        postgres_user: A user whom PostgreSQL asks for a password: it names unknown protocol options before that.
        redis_login: Bytes to send to Redis first, such as `AUTH lab secret` with a line break; empty without a login.
        api_url: For `process("api")`.
        broker_url: Past the proxies, for `process("worker")`.
    """

    def __init__(
        self,
        listens: Mapping[str, str],
        *,
        postgres_user: str = "firedrill",
        redis_login: bytes = b"",
        api_url: str = "",
        broker_url: str = "",
    ) -> None:
        self._redis_login = redis_login
        self._listens = {proxy: _address(listen) for proxy, listen in listens.items()}
        self._postgres_user, self._api_url, self._broker_url = postgres_user, api_url, broker_url

    def read(self, proxy: str, *, timeout_s: float) -> CanaryReading:
        try:
            connection = socket.create_connection(self._listens[proxy], timeout=timeout_s)
        except OSError as error:
            return CanaryReading(connected=False, round_trip_s=None, error=type(error).__name__)
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asked = time.perf_counter()
            try:
                connection.sendall(self._login(proxy) + _QUESTIONS[proxy])
                answered = _answered(connection, _ANSWERS.get(proxy, b""), asked + timeout_s)
            except OSError as error:
                return CanaryReading(connected=True, round_trip_s=None, error=type(error).__name__)
            took_s = time.perf_counter() - asked
            _finish(connection, time.perf_counter() + FINISH_S)
            if not answered:
                return CanaryReading(connected=True, round_trip_s=None, error="closed without an answer")
            return CanaryReading(connected=True, round_trip_s=round(took_s, 6))

    def echo(self, proxy: str, size: int, *, timeout_s: float, finish: bool = False) -> Exchange:
        if not 1 <= size <= MOST_BYTES:
            raise ValueError(f"echo: got {size} bytes, expected 1 to {MOST_BYTES}")
        give_up = time.perf_counter() + timeout_s
        try:
            connection = socket.create_connection(self._listens[proxy], timeout=timeout_s)
        except OSError as error:
            return Exchange(connected=False, error=type(error).__name__)
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            heard = _ask(connection, self._echo_question(proxy, size), size, give_up, self._login(proxy) and _LET_IN)
            closed_s = None
            if heard.whole:
                closed_s = _finish(connection, give_up if finish else time.perf_counter() + FINISH_S)
        return Exchange(
            connected=True,
            received=heard.received,
            whole=heard.whole,
            first_s=heard.first_s,
            last_s=heard.last_s,
            reads=heard.reads,
            closed_s=closed_s if finish else None,
            error=heard.error,
        )

    def _login(self, proxy: str) -> bytes:
        """The login, sent together with the question: a separate round trip would meet the fault once more."""
        return self._redis_login if proxy in _REDIS else b""

    def _echo_question(self, proxy: str, size: int) -> bytes:
        """A question whose answer contains *size* bytes of it."""
        payload = b"x" * size
        if proxy == "shop_to_postgres":
            # The server names unknown protocol options in an answer before it asks for a password.
            # Source: PostgreSQL docs, "NegotiateProtocolVersion".
            user = self._postgres_user.encode()
            options = b"user\0" + user + b"\0database\0postgres\0_pq_." + payload + b"\0\0\0"
            return struct.pack("!ii", 8 + len(options), 3 << 16) + options
        if proxy == "shop_to_gateway":
            head = f"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n"
            return head.encode() + payload
        if proxy == "shop_to_mail":
            return b"XECHO " + payload + b"\r\n"
        return b"%s*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n" % (self._redis_login, size, payload)

    def process(self, name: str, *, timeout_s: float) -> CanaryReading:
        started = time.perf_counter()
        error = self._api(timeout_s) if name == "api" else self._worker(timeout_s)
        took_s = round(time.perf_counter() - started, 6)
        return CanaryReading(connected=True, round_trip_s=None if error else took_s, error=error)

    def _api(self, timeout_s: float) -> str:
        """Ask the API; any answer counts, since also a process with errors is not paused. Returns the error's name."""
        try:
            httpx.get(f"{self._api_url}/live", timeout=timeout_s, trust_env=False)
        except httpx.HTTPError as error:
            return type(error).__name__
        return ""

    def _worker(self, timeout_s: float) -> str:
        from celery import Celery  # noqa: PLC0415 - half a second to import, and only few runs need it

        app = Celery(broker=self._broker_url, set_as_current=False)
        app.conf.broker_transport_options = {"client_name": OURS}
        give_up, patience_s = time.perf_counter() + timeout_s, FIRST_PING_S
        try:
            # A ping reaches only workers that listen at that moment, so it is lost while the worker reconnects. It is
            # repeated, each time with twice the timeout, since a busy machine answers late.
            while (left_s := give_up - time.perf_counter()) > 0:
                if app.control.ping(timeout=min(patience_s, left_s), limit=1):
                    return ""
                patience_s *= 2
            return "no answer to a ping"
        except Exception as error:  # any error of kombu or redis means that no worker answered
            return type(error).__name__
        finally:
            app.close()


def _answered(connection: socket.socket, ending: bytes, give_up: float) -> bool:
    """Wait for an answer that contains *ending*; empty: any byte. False when closed before. Raises: OSError."""
    content = b""
    while True:
        connection.settimeout(max(0.001, give_up - time.perf_counter()))
        piece = connection.recv(_PIECE)
        content = (content + piece)[-_PIECE:]
        if not piece:
            return False
        if ending in content:
            return True


class _Heard:
    """The part of an echo that came back so far."""

    def __init__(self) -> None:
        self.received = self.reads = 0
        self.first_s: float | None = None
        self.last_s: float | None = None
        self.whole = False
        self.error = ""


def _ask(connection: socket.socket, question: bytes, size: int, give_up: float, greeting: bytes) -> _Heard:
    """Send *question* and read its echo. *greeting*, the answer to a login before it, is read but is no part of it."""
    heard = _Heard()
    asked = time.perf_counter()
    try:
        connection.sendall(question)
        content = b""
        while not heard.whole:
            connection.settimeout(max(0.001, give_up - time.perf_counter()))
            piece = connection.recv(_PIECE)
            if not piece:
                heard.error = "closed"
                break
            heard.received += len(piece)
            piece, greeting = piece[len(greeting) :], greeting[len(piece) :]
            if not piece:
                continue
            heard.last_s = round(time.perf_counter() - asked, 6)
            heard.first_s = heard.last_s if heard.first_s is None else heard.first_s
            heard.reads += 1
            content += piece
            heard.whole = content.count(b"x") >= size
    except OSError as error:
        heard.error = type(error).__name__
    return heard


def _finish(connection: socket.socket, give_up: float) -> float | None:
    """Close our side and read the rest. Returns seconds until the other side closed; None when it did not in time."""
    started = time.perf_counter()
    try:
        connection.shutdown(socket.SHUT_WR)
        while True:
            connection.settimeout(max(0.001, give_up - time.perf_counter()))
            if not connection.recv(_PIECE):
                break
    except TimeoutError:
        return None
    except OSError:
        pass  # a reset is an end as well
    return round(time.perf_counter() - started, 6)


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    return host, int(port)
