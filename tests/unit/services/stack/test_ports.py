from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from services.stack import ports
from services.stack.errors import StackError
from services.stack.layout import OFFSETS, Ports


@pytest.fixture
def held() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield int(server.getsockname()[1])


@pytest.fixture
def held_everywhere() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
        server.listen()
        yield int(server.getsockname()[1])


def test_a_listener_on_loopback_or_on_all_addresses_holds_a_port(held: int, held_everywhere: int) -> None:
    assert not ports.is_free(held)
    assert not ports.is_free(held_everywhere)


def test_a_port_is_free_again_once_its_listener_is_gone() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            peer, _ = server.accept()
            peer.close()  # our side closes first: the port lingers in TIME_WAIT
            client.recv(1)
    assert ports.is_free(port)


def test_a_held_port_is_named_with_its_holder_and_a_way_out(held: int) -> None:
    with pytest.raises(StackError) as caught:
        ports.require_free(Ports(held - OFFSETS["redis"]))
    assert caught.value.kind == "port_taken"
    line = next(line for line in str(caught.value).splitlines() if f"port {held} " in line)
    assert line.startswith(f"port {held} (redis): held by pid {os.getpid()} (")
    assert "expected free" in line
    assert str(caught.value).endswith(f"make up BASE_PORT={held - OFFSETS['redis'] + 1000}") or "18000" in str(
        caught.value
    )


def test_a_holder_that_can_t_be_seen_is_said_to_be_somebody_else_s() -> None:
    assert ports.describe_holder(None) == "a process of another user"
    assert ports.describe_holder(2**22 + 1) == f"pid {2**22 + 1}"
