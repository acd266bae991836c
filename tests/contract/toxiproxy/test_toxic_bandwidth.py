"""bandwidth: KB/s of 1000 bytes, per connection and direction."""

from __future__ import annotations

import time


def _receive_s(client, size):
    started = time.monotonic()
    assert len(client.receive(size)) == size
    return time.monotonic() - started


def test_a_kilobyte_is_a_thousand_bytes(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.talker(bytes(200_000))))
    proxy.add("bandwidth", rate=400)
    # 0.5 s; the chunk of 32 KB that is already through when the clock starts is worth 0.08 s.
    assert 0.4 <= _receive_s(lab.client(proxy), 200_000) < 2.0


def test_a_low_rate_comes_in_slices_of_a_tenth_of_a_second(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.talker(bytes(3_000))))
    proxy.add("bandwidth", rate=10)
    started = time.monotonic()
    client = lab.client(proxy)
    first = client.socket.recv(65536)
    assert len(first) == 1000
    assert len(client.receive(2000)) == 2000
    assert 0.28 <= time.monotonic() - started < 2.0


def test_it_limits_the_other_direction_too(lab, upstreams, eventually):
    upstream = lab.upstream(upstreams.read_all)
    proxy = lab.proxy(upstream)
    proxy.add("bandwidth", stream="upstream", rate=200)
    started = time.monotonic()
    client = lab.client(proxy)
    client.send(bytes(100_000))
    eventually(lambda: upstream.received and len(upstream.received[0]) == 100_000, "all data")
    assert time.monotonic() - started >= 0.4


def test_each_connection_has_its_own(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.talker(bytes(50_000))))
    proxy.add("bandwidth", rate=100)
    started = time.monotonic()
    for client in [lab.client(proxy) for _ in range(10)]:
        assert len(client.receive(50_000)) == 50_000
    # Shared, the ten would take 5 s.
    assert 0.4 <= time.monotonic() - started < 3.0


def test_zero_stalls_until_it_is_removed(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("bandwidth", rate=0)
    client = lab.client(proxy)
    client.send(b"held")
    assert client.is_silent(0.25)
    proxy.remove()
    assert client.receive(4) == b"held"


def test_omitted_is_zero_and_a_change_lets_data_go(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("bandwidth")
    client = lab.client(proxy)
    client.send(b"held")
    assert client.is_silent(0.25)
    proxy.update(attributes={"rate": 1000})
    assert client.receive(4) == b"held"
    assert client.ask(b"more") == b"more"


def test_zero_stalls_a_fin_behind_data_but_not_a_bare_one(lab, upstreams):
    stalled = lab.proxy(lab.upstream(upstreams.sender(b"held")))
    stalled.add("bandwidth", rate=0)
    client = lab.client(stalled)
    assert client.is_silent(0.25)
    stalled.remove()
    assert client.rest() == b"held"
    bare = lab.proxy(lab.upstream(upstreams.sender(b"")))
    bare.add("bandwidth", rate=0)
    assert lab.client(bare).ending() == "eof"


def test_disabling_is_not_held_up(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("bandwidth", rate=0)
    client = lab.client(proxy)
    client.send(b"lost")
    assert client.is_silent(0.05)
    proxy.change(enabled=False)
    assert client.rest() == b""
