"""Proves at every start that a request is sent once, with a server that accepts it and closes without an answer.

The patch in `loadtests.wire` changes an internal of geventhttpclient; a new version could silently undo it, and the
record could then show one request where two were sent. So this tests it: on a fresh and on a kept connection, for a
method that may be repeated and one that may not, with the driver's own clients and with Locust's `FastHttpSession`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gevent.server import StreamServer
from geventhttpclient.response import HTTPParseError
from locust.contrib.fasthttp import FastHttpSession
from locust.event import EventHook

from chaos.model.history import Outcome
from loadtests.guest import GuestTransport
from loadtests.journey import Call, Reading
from loadtests.wire import SendsOnce, Transport, WarmPool, locust_pool

TIMEOUT_S = 5.0
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class HiddenResend(Exception):
    """A request was sent more than once, or not at all."""


class _Silent:
    """A server that answers `/answer`; for any other request it counts it and closes the connection."""

    def __init__(self) -> None:
        self.seen = 0
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()
        self.port: int = self._server.server_port

    def _serve(self, connection: Any, address: Any) -> None:
        data = b""
        while block := connection.recv(65536):
            data += block
            while b"\r\n\r\n" in data:
                request, _, data = data.partition(b"\r\n\r\n")
                if b" /answer " not in request:
                    self.seen += 1
                    return
                connection.sendall(_ANSWER)

    def close(self) -> None:
        self._server.stop()


def _own_path(pool: WarmPool, port: int) -> Callable[[str, str], None]:
    return _sending(Transport(pool), port)


def _guests_path(pool: WarmPool, port: int) -> Callable[[str, str], None]:
    return _sending(GuestTransport("127.0.0.1", port), port)


def _sending(transport: SendsOnce, port: int) -> Callable[[str, str], None]:
    def send(method: str, path: str) -> None:
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Request-Id: ".encode()
        call = Call(op="", method=method, head=head, read=lambda status, body: Reading(Outcome.OK), intended=0.0)
        with suppress(OSError, HTTPParseError):  # the server closes without an answer
            transport.send_once(call, head + b"0-0\r\n\r\n")

    return send


def _locust_path(pool: WarmPool, port: int) -> Callable[[str, str], None]:
    base_url = f"http://127.0.0.1:{port}"
    unheard = EventHook()  # type: ignore[no-untyped-call]
    session = FastHttpSession(
        base_url, request_event=unheard, user=None, client_pool=locust_pool(pool, base_url), max_retries=0
    )

    def send(method: str, path: str) -> None:
        session.request(method, path)  # never raises: its response reports a broken exchange

    return send


def prove_single_sends() -> None:
    """Raises: HiddenResend, with the request and the number of times that it arrived."""
    server = _Silent()
    try:
        for name, path_of in (
            ("the driver's client", _own_path),
            ("the guest's client", _guests_path),
            ("Locust's FastHttpSession", _locust_path),
        ):
            for method in ("GET", "POST"):
                for connection in ("fresh", "kept"):
                    pool = WarmPool("127.0.0.1", server.port, timeout_s=TIMEOUT_S)
                    send = path_of(pool, server.port)
                    if connection == "kept":
                        send(method, "/answer")
                    before = server.seen
                    send(method, "/silence")
                    times = server.seen - before
                    pool.close()
                    if times != 1:
                        raise HiddenResend(
                            f"self-test: {method} on a {connection} connection through {name}: "
                            f"got {times} sends, expected 1"
                        )
    finally:
        server.close()
