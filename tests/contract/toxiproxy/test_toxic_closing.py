"""slow_close, timeout, limit_data: toxics about the end of a connection."""

from __future__ import annotations

import time

import pytest

EARLY_S = 0.002


def _ending_s(client):
    started = time.monotonic()
    assert client.ending() == "eof"
    return time.monotonic() - started


# --- slow_close ---


def test_slow_close_delays_the_close_and_not_the_data(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.sender(b"bye")))
    proxy.add("slow_close", delay=300)
    started = time.monotonic()
    client = lab.client(proxy)
    assert client.receive(3) == b"bye"
    assert client.is_silent(0.1)
    assert client.rest() == b""
    assert time.monotonic() - started >= 0.3 - EARLY_S


def test_slow_close_works_in_one_direction_only(lab, upstreams, eventually):
    upstream = lab.upstream(upstreams.echo)
    proxy = lab.proxy(upstream)
    proxy.add("slow_close", delay=60_000)
    client = lab.established(proxy)
    client.finish_sending()
    eventually(lambda: upstream.ended[0] == "eof", "the upstream to see the end at once")
    assert client.is_silent(0.1)


def test_slow_close_does_not_delay_disabling(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("slow_close", delay=60_000)
    client = lab.established(proxy)
    proxy.change(enabled=False)
    assert client.ending() == "eof"


def test_a_removed_slow_close_lets_go(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.sender(b"")))
    proxy.add("slow_close", delay=60_000)
    client = lab.client(proxy)
    assert client.is_silent(0.1)
    proxy.remove()
    assert client.ending() == "eof"


def test_a_changed_slow_close_waits_anew(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.sender(b"")))
    proxy.add("slow_close", delay=60_000)
    client = lab.client(proxy)
    assert client.is_silent(0.1)
    proxy.update(attributes={"delay": 100})
    assert client.ending() == "eof"


# --- timeout ---


def test_timeout_drops_data_and_ends_after_silence(lab, upstreams):
    upstream = lab.upstream(upstreams.echo)
    proxy = lab.proxy(upstream)
    proxy.add("timeout", timeout=200)
    started = time.monotonic()
    client = lab.client(proxy)
    client.send(b"lost")
    assert client.rest() == b""
    assert time.monotonic() - started >= 0.15
    assert bytes(upstream.received[0]) == b"lost"


def test_timeout_is_an_idle_timer_that_its_own_direction_resets(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("timeout", stream="upstream", timeout=600)
    started = time.monotonic()
    client = lab.client(proxy)
    for _ in range(4):
        client.send(b"x")
        assert client.is_silent(0.25)
    assert client.ending() == "eof"
    # The last of them came after 0.75 s; without a reset it would end after 0.6 s.
    assert time.monotonic() - started >= 1.3


def test_data_of_the_other_direction_does_not_reset_timeout(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.read_all))
    proxy.add("timeout", stream="downstream", timeout=400)
    client = lab.client(proxy)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        client.send_until_it_fails(b"x", every_s=0.05)


def test_the_next_toxic_restarts_timeout(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("timeout", timeout=1500)
    client = lab.client(proxy)
    time.sleep(0.6)
    started = time.monotonic()
    proxy.add("noop", name="next")
    assert client.ending() == "eof"
    assert time.monotonic() - started >= 1.4


def test_timeout_zero_holds_until_it_is_removed_which_closes(lab, upstreams):
    upstream = lab.upstream(upstreams.echo)
    proxy = lab.proxy(upstream)
    proxy.add("timeout", timeout=0)
    client = lab.client(proxy)
    client.send(b"lost")
    assert client.is_silent(0.3)
    proxy.remove()
    assert client.rest() == b""
    lab.established(proxy)


def test_an_end_passes_timeout_zero(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.sender(b"lost")))
    proxy.add("timeout", timeout=0)
    assert lab.client(proxy).rest() == b""


@pytest.mark.parametrize("how", ["remove", "reset"])
def test_a_removed_timeout_closes_even_at_toxicity_zero(lab, upstreams, how):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("timeout", toxicity=0, timeout=0)
    client = lab.established(proxy)
    if how == "remove":
        proxy.remove()
    else:
        assert lab.server.call("POST", "/reset").status == 204
    assert client.ending() == "eof"


def test_a_change_of_timeout_closes_nothing(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("timeout", timeout=0)
    client = lab.client(proxy)
    client.send(b"lost")
    assert client.is_silent(0.2)
    proxy.update(toxicity=0)
    assert client.ask(b"kept") == b"kept"


# --- limit_data ---


def test_limit_data_truncates_and_ends(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.talker(b"0123456789")))
    proxy.add("limit_data", bytes=4)
    assert lab.client(proxy).rest() == b"0123"


def test_limit_data_counts_over_chunks_and_per_connection(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("limit_data", bytes=10)
    first, second = lab.client(proxy), lab.client(proxy)
    assert first.ask(b"1234") == b"1234"
    assert first.ask(b"5678") == b"5678"
    assert second.ask(b"abcdefgh") == b"abcdefgh"
    first.send(b"90XX")
    assert first.rest() == b"90"


def test_limit_data_ends_exactly_at_its_limit(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("limit_data", bytes=4)
    client = lab.client(proxy)
    assert client.ask(b"1234") == b"1234"
    assert client.ending() == "eof"


def test_limit_data_zero_lets_nothing_through(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.talker(b"data")))
    proxy.add("limit_data")
    assert lab.client(proxy).rest() == b""


def test_limit_data_remembers_what_passed_when_it_is_changed(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("limit_data", bytes=100)
    client = lab.client(proxy)
    assert client.ask(b"12345") == b"12345"
    proxy.update(attributes={"bytes": 8})
    client.send(b"678XX")
    assert client.rest() == b"678"


def test_limit_data_upstream(lab, upstreams, eventually):
    upstream = lab.upstream(upstreams.read_all)
    proxy = lab.proxy(upstream)
    proxy.add("limit_data", stream="upstream", bytes=4)
    lab.client(proxy).send(b"0123456789")
    eventually(lambda: upstream.ended and upstream.ended[0] == "eof", "the upstream to see the end")
    assert bytes(upstream.received[0]) == b"0123"
