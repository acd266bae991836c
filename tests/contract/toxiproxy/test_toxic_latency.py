"""latency: per chunk, counted from arrival."""

from __future__ import annotations

import time

import pytest

# Timers may end a little early against another process's clock.
EARLY_S = 0.002


@pytest.mark.parametrize("stream", ["downstream", "upstream"])
def test_each_direction_is_delayed_by_itself(lab, upstreams, stream):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("latency", stream=stream, latency=150)
    assert lab.client(proxy).ask_s() >= 0.15 - EARLY_S


def test_both_directions_add_up(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("latency", stream="downstream", name="d", latency=80)
    proxy.add("latency", stream="upstream", name="u", latency=80)
    assert lab.client(proxy).ask_s() >= 0.16 - EARLY_S


def test_two_in_one_direction_add_up(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("latency", name="a", latency=100)
    proxy.add("latency", name="b", latency=100)
    # A chunk that is picked up late is dated back, so two together are a little short on a busy machine.
    assert lab.client(proxy).ask_s() > 0.12


def test_open_connections_are_delayed_too(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    client = lab.established(proxy)
    proxy.add("latency", latency=100)
    assert client.ask_s() >= 0.1 - EARLY_S


def test_jitter_spreads_to_both_sides(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("latency", latency=40, jitter=35)
    client = lab.client(proxy)
    took = [client.ask_s() for _ in range(24)]
    assert min(took) >= 0.005 - EARLY_S
    # All 24 on one side of the mean, or within a third of the range: less likely than 1 in a million.
    assert min(took) < 0.04 - EARLY_S
    assert max(took) > 0.04
    assert max(took) - min(took) > 0.02


def test_a_delay_below_zero_is_none(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("latency", latency=-1000)
    proxy.add("latency", name="u", stream="upstream", latency=1, jitter=50)
    client = lab.client(proxy)
    assert all(client.ask(b"x") == b"x" for _ in range(20))


def test_pipelined_chunks_overlap(lab, upstreams):
    payload = bytes(400_000)
    proxy = lab.proxy(lab.upstream(upstreams.sender(payload)))
    proxy.add("latency", latency=300)
    started = time.monotonic()
    client = lab.client(proxy)
    assert client.rest() == payload
    took = time.monotonic() - started
    # One after the other, the 13 chunks or more would take 3.9 s.
    assert 0.3 - EARLY_S <= took < 2.0


def test_connecting_and_a_bare_fin_are_not_delayed(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.sender(b"")))
    proxy.add("latency", latency=10_000)
    started = time.monotonic()
    assert lab.client(proxy).ending() == "eof"
    assert time.monotonic() - started < 5


def test_a_fin_waits_behind_delayed_data(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.sender(b"late")))
    proxy.add("latency", latency=200)
    started = time.monotonic()
    assert lab.client(proxy).rest() == b"late"
    assert time.monotonic() - started >= 0.2 - EARLY_S


def test_an_answer_under_way_survives_the_clients_fin(lab, upstreams):
    upstream = lab.upstream(upstreams.echo)
    proxy = lab.proxy(upstream)
    proxy.add("latency", latency=1000)
    client = lab.client(proxy)
    client.send(b"question")
    time.sleep(0.5)
    client.finish_sending()
    assert client.rest() == b"question"


def test_a_change_applies_to_what_waits(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("latency", latency=60_000)
    client = lab.client(proxy)
    client.send(b"one")
    assert client.is_silent(0.1)
    proxy.update(attributes={"latency": 100})
    assert client.receive(3) == b"one"
    assert client.ask_s() >= 0.1 - EARLY_S


@pytest.mark.parametrize("how", ["remove", "reset"])
def test_removal_releases_what_waits_in_order(lab, upstreams, how):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("latency", latency=60_000)
    client = lab.client(proxy)
    for number in range(20):
        client.send(f"{number:04d}".encode())
        time.sleep(0.005)
    assert client.is_silent(0.05)
    if how == "remove":
        proxy.remove()
    else:
        assert lab.server.call("POST", "/reset").status == 204
    assert client.receive(80) == b"".join(f"{number:04d}".encode() for number in range(20))
    assert client.ask(b"fast") == b"fast"


def test_disabling_is_not_delayed(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("latency", latency=60_000)
    client = lab.client(proxy)
    client.send(b"lost")
    assert client.is_silent(0.05)
    proxy.change(enabled=False)
    assert client.rest() == b""
