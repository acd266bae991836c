"""Who is hit, and several toxics at once."""

from __future__ import annotations

import threading

import pytest


def _is_cut(lab, proxy):
    client = lab.client(proxy)
    client.send(b"x")
    return client.rest() == b""


def test_toxicity_zero_hits_nobody_and_one_everybody(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("limit_data", toxicity=0, bytes=0)
    for _ in range(10):
        lab.established(proxy)
    proxy.update(toxicity=1)
    assert all(_is_cut(lab, proxy) for _ in range(10))


def test_between_zero_and_one_it_hits_whole_connections(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("timeout", toxicity=0.5, timeout=0)
    clients = [lab.client(proxy) for _ in range(40)]
    for client in clients:
        client.send(b"x")
    hit = {number for number, client in enumerate(clients) if client.is_silent(0.05)}
    # All or none of 40: less likely than 1 in a hundred billion.
    assert 0 < len(hit) < 40
    for number, client in enumerate(clients):
        client.send(b"y")
        assert (number in hit) or client.receive(2) == b"xy"


def test_a_change_rolls_open_connections_again(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    client = lab.established(proxy)
    proxy.add("timeout", toxicity=0, timeout=0)
    assert client.ask(b"spared") == b"spared"
    proxy.update(toxicity=1)
    client.send(b"hit")
    assert client.is_silent(0.1)
    proxy.update(toxicity=0)
    assert client.ask(b"spared") == b"spared"


def test_the_next_toxic_of_the_direction_rolls_the_last_one_again(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("timeout", toxicity=0.5, timeout=0)
    client = lab.client(proxy)
    seen = set()
    for number in range(60):
        # Added and removed behind it: rolled twice. Never both outcomes in 120 rolls: impossible but for a defect.
        proxy.add("noop", name=f"n{number}")
        proxy.remove(f"n{number}")
        client.send(b"x")
        silent = client.is_silent(0.1)
        seen.add(silent)
        if not silent:
            client.receive(1)
        if len(seen) == 2:
            return
    pytest.fail(f"got only {seen} in 60 changes, expected both")


def test_toxics_work_one_after_the_other(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.talker(b"0123456789")))
    proxy.add("limit_data", name="cut", bytes=6)
    proxy.add("latency", name="late", latency=100)
    proxy.add("slicer", name="thin", average_size=1, delay=1)
    assert lab.client(proxy).rest() == b"012345"


@pytest.mark.parametrize("gone", ["first", "middle", "last"])
def test_any_of_several_can_be_removed(lab, upstreams, gone):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    for name in ("first", "middle", "last"):
        proxy.add("latency", name=name, latency=100)
    client = lab.client(proxy)
    # A chunk that is picked up late is dated back, so several together are a little short on a busy machine.
    assert client.ask_s() > 0.2
    proxy.remove(gone)
    assert [toxic["name"] for toxic in proxy.show()["toxics"]] == [
        name for name in ("first", "middle", "last") if name != gone
    ]
    assert client.ask_s() > 0.1


@pytest.mark.parametrize("stream", ["downstream", "upstream"])
def test_no_byte_is_lost_or_moved_while_toxics_come_and_go(lab, upstreams, stream):
    payload = b"".join(number.to_bytes(4, "big") for number in range(500_000))
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    client = lab.established(proxy)
    sender = threading.Thread(target=client.send, args=(payload,))
    received: list[bytes] = []
    receiver = threading.Thread(target=lambda: received.append(client.receive(len(payload))))
    proxy.add("bandwidth", stream=stream, name="base", rate=3000)
    sender.start()
    receiver.start()
    changes = 0
    while receiver.is_alive() and changes < 200:
        proxy.add("latency", stream=stream, name="a", latency=5, jitter=5)
        proxy.add("slicer", stream=stream, name="b", average_size=4000, size_variation=1000, delay=1)
        proxy.update("a", attributes={"latency": 1})
        proxy.remove("a")
        proxy.update("base", attributes={"rate": 2500})
        proxy.add("noop", stream=stream, name="c")
        proxy.remove("b")
        proxy.remove("c")
        changes += 1
    proxy.remove("base")
    sender.join()
    receiver.join()
    assert changes > 1
    assert received[0] == payload
