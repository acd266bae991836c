"""Connections, and a request and its answer on one of them."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import gevent
import pytest
from gevent import Timeout
from gevent.socket import socketpair
from geventhttpclient.response import HTTPSocketPoolResponse
from hypothesis import given
from hypothesis import strategies as st

from chaos.model.history import Outcome
from loadtests.journey import Call, Reading
from loadtests.wire import Response, Transport, WarmPool


class Idle:
    """A connection on which nothing has come."""

    def __init__(self) -> None:
        self._sock = self

    def recv(self, size: int, flags: int) -> bytes:
        raise BlockingIOError


def test_one_exchange_after_another_goes_over_all_connections() -> None:
    """Each belongs to one of the API's processes: a light load would otherwise be one process's alone."""
    pool = WarmPool("127.0.0.1", 9, timeout_s=1.0)
    pool._idle = [Idle() for _ in range(8)]
    used: Counter[int] = Counter()
    for _ in range(800):
        connection = pool.get_socket()
        used[id(connection)] += 1
        pool.return_socket(connection)
    assert len(used) == 8
    assert max(used.values()) < 200


def test_fewer_idle_connections_than_wanted_are_not_all_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the API has died there are none: one after another would go over the first that was opened anew."""
    pool = WarmPool("127.0.0.1", 9, timeout_s=1.0, least=8)
    monkeypatch.setattr(pool, "_create_socket", Idle)
    for _ in range(100):
        pool.return_socket(pool.get_socket())
    assert len(pool._idle) == 8


class OneConnection:
    """A pool of one, which tells what became of it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.returned = self.released = 0

    def get_socket(self) -> Any:
        return self.connection

    def return_socket(self, sock: Any) -> None:
        self.returned += 1

    def release_socket(self, sock: Any) -> None:
        self.released += 1


def call(body: bytes) -> Call:
    return Call(op="x", method="POST", head=b"", body=body, read=lambda *_: Reading(Outcome.OK), intended=0.0)


def test_a_request_larger_than_the_sockets_buffer_arrives_whole() -> None:
    ours, theirs = socketpair()
    body = bytes(range(256)) * 20_000

    def api() -> bytes:
        got = b""
        while len(got) < len(body) + 4:
            got += theirs.recv(65536)
        theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return got

    served, pool = gevent.spawn(api), OneConnection(ours)
    with Timeout(60):
        answer = Transport(pool).send_once(call(body), b"\r\n\r\n")  # type: ignore[arg-type]
    assert (answer.status, answer.body) == (200, b"ok")
    assert served.get() == b"\r\n\r\n" + body
    assert (pool.returned, pool.released) == (1, 0)


def test_a_connection_whose_answer_did_not_come_in_time_is_not_used_again() -> None:
    """The answer may come yet, and would be taken for the next request's."""
    ours, theirs = socketpair()
    pool = OneConnection(ours)
    with pytest.raises(Timeout), Timeout(0.01):
        Transport(pool).send_once(call(b""), b"GET / HTTP/1.1\r\n\r\n")  # type: ignore[arg-type]
    assert (pool.returned, pool.released) == (0, 1)
    theirs.close()


ANSWER = (
    b"HTTP/1.1 103 Early Hints\r\nAge: 9\r\nLink: x\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nX-Empty:\r\nVia: a\r\nAge: 3\r\nvia: b\r\nX-Last: \r\nContent-Length: 2\r\n\r\nok"
)


class Pieces:
    """A connection on which an answer comes in pieces."""

    def __init__(self, cuts: list[int]) -> None:
        edges = [0, *sorted(cuts), len(ANSWER)]
        self.pieces = [ANSWER[a:b] for a, b in pairwise(edges) if a < b]

    def recv(self, size: int) -> bytes:
        return self.pieces.pop(0)


@given(st.lists(st.integers(1, len(ANSWER) - 1), max_size=8))
def test_an_answers_headers_are_those_that_the_library_finds(cuts: list[int]) -> None:
    """However the answer was split into packets; the headers of an interim answer do not count."""
    ours = Response(Pieces(cuts), OneConnection(None), method="GET")  # type: ignore[arg-type]
    theirs = HTTPSocketPoolResponse(Pieces(cuts), OneConnection(None), method="GET")  # type: ignore[arg-type]
    assert sorted(ours.items()) == sorted(theirs.items())
    assert (ours.get_code(), ours.read()) == (theirs.get_code(), theirs.read())
    assert [ours.get(name) for name in ("age", "x-empty", "link", "via")] == ["3", "", None, "a, b"]
