"""Whose question has no answer yet, as the kernel tells it of real connections."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from services.listen import listen
from services.waiting import asked_at

# The kernel's clock of these times ticks every 4 ms at the slowest.
TICKS_S = 0.02
ME = (os.getpid(),)


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with closing(listen("127.0.0.1", 0)) as found:
        yield found


@pytest.fixture
def ends(server: socket.socket) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's end and the server's."""
    with closing(socket.create_connection(server.getsockname())) as client, closing(server.accept()[0]) as accepted:
        yield client, accepted


def port_of(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port


def test_a_connection_that_asked_nothing_waits_for_nothing(
    server: socket.socket, ends: tuple[socket.socket, socket.socket]
) -> None:
    assert ends
    assert asked_at(ME, port_of(server)) == []


def test_a_question_waits_until_its_answer_was_read(
    server: socket.socket, ends: tuple[socket.socket, socket.socket]
) -> None:
    client, accepted = ends
    sent = time.monotonic()
    client.sendall(b"POST /charges")
    (asked,) = asked_at(ME, port_of(server))
    assert abs(asked - sent) < TICKS_S
    time.sleep(TICKS_S)
    accepted.sendall(b"201")
    assert len(asked_at(ME, port_of(server))) == 1  # it came, and nobody has read it
    client.recv(10)
    assert asked_at(ME, port_of(server)) == []


def test_the_next_question_of_a_kept_connection_waits_again(
    server: socket.socket, ends: tuple[socket.socket, socket.socket]
) -> None:
    client, accepted = ends
    client.sendall(b"1")
    time.sleep(TICKS_S)
    accepted.sendall(b"1")
    client.recv(10)
    time.sleep(TICKS_S)
    sent = time.monotonic()
    client.sendall(b"2")
    (asked,) = asked_at(ME, port_of(server))
    assert abs(asked - sent) < TICKS_S


def test_a_kept_connection_that_the_server_closed_waits_for_nothing(
    server: socket.socket, ends: tuple[socket.socket, socket.socket]
) -> None:
    client, accepted = ends
    client.sendall(b"1")
    time.sleep(TICKS_S)
    accepted.sendall(b"1")
    client.recv(10)
    accepted.shutdown(socket.SHUT_WR)
    time.sleep(TICKS_S)
    assert asked_at(ME, port_of(server)) == []


def test_only_the_connections_of_these_processes_to_this_port_count(
    server: socket.socket, ends: tuple[socket.socket, socket.socket]
) -> None:
    code = f"import socket, time; s = socket.create_connection({server.getsockname()}); s.sendall(b'1'); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code])
    try:
        with closing(server.accept()[0]) as accepted:
            accepted.recv(1)
            assert ends
            assert asked_at(ME, port_of(server)) == []
            assert len(asked_at((other.pid, *ME), port_of(server))) == 1
            assert asked_at((other.pid,), port_of(server) + 1) == []
    finally:
        other.kill()
        other.wait()
