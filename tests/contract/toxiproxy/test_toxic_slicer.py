"""slicer: small packets, nothing lost."""

from __future__ import annotations

import time

import pytest


def test_pieces_are_small_and_apart(lab, upstreams):
    payload = bytes(range(200)) * 5
    proxy = lab.proxy(lab.upstream(upstreams.talker(payload)))
    proxy.add("slicer", average_size=100, size_variation=10, delay=30_000)
    client = lab.client(proxy)
    started, pieces = time.monotonic(), []
    while sum(map(len, pieces)) < len(payload):
        pieces.append(client.socket.recv(65536))
        assert pieces[-1]
    assert b"".join(pieces) == payload
    # At most 110 bytes each, so ten pieces or more, 30 ms apart.
    assert time.monotonic() - started >= 8 * 0.03
    assert sorted(map(len, pieces))[len(pieces) // 2] <= 110


@pytest.mark.parametrize("stream", ["downstream", "upstream"])
@pytest.mark.parametrize("variation", [0, 7, 64])
def test_nothing_is_lost(lab, upstreams, stream, variation):
    payload = bytes(range(256)) * 40
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("slicer", stream=stream, average_size=64, size_variation=variation, delay=10)
    assert lab.client(proxy).ask(payload) == payload


def test_removed_half_way_it_sends_the_rest_at_once(lab, upstreams):
    payload = bytes(range(250)) * 4
    proxy = lab.proxy(lab.upstream(upstreams.talker(payload)))
    proxy.add("slicer", average_size=10, delay=10_000_000)
    client = lab.client(proxy)
    first = client.socket.recv(65536)
    assert 0 < len(first) < 30
    proxy.remove()
    assert first + client.receive(len(payload) - len(first)) == payload
