"""reset_peer: RST instead of FIN."""

from __future__ import annotations

import threading
import time

EARLY_S = 0.002


def test_the_first_data_resets(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("reset_peer", timeout=0)
    client = lab.client(proxy)
    client.send(b"x")
    assert client.ending() == "reset"


def test_the_first_data_resets_after_its_timeout(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("reset_peer", stream="upstream", timeout=200)
    started = time.monotonic()
    client = lab.client(proxy)
    client.send(b"x")
    assert client.ending() == "reset"
    assert time.monotonic() - started >= 0.2 - 0.05


def test_without_data_nothing_happens(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("reset_peer", timeout=0)
    assert lab.client(proxy).is_silent(0.2)


def test_an_end_of_the_upstream_resets(lab, upstreams):
    # It ends when asked, not at once: a connection that is reset so early fails in connect().
    proxy = lab.proxy(lab.upstream(upstreams.reader_of_one))
    proxy.add("reset_peer", timeout=0)
    client = lab.client(proxy)
    client.send(b"x")
    assert client.ending() == "reset"


def test_an_older_connection_ends_in_fin(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    client = lab.established(proxy)
    proxy.add("reset_peer", timeout=0)
    client.send(b"x")
    assert client.rest() == b""


def test_a_connection_opened_while_it_was_there_resets_after_its_removal(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("reset_peer", toxicity=0, timeout=0)
    client = lab.established(proxy)
    proxy.remove()
    assert client.ask(b"fine") == b"fine"
    proxy.change(enabled=False)
    assert client.ending() == "reset"


def test_the_upstream_is_reset_too(lab, upstreams, eventually):
    upstream = lab.upstream(upstreams.echo)
    proxy = lab.proxy(upstream)
    proxy.add("reset_peer", timeout=0)
    lab.client(proxy).send(b"x")
    eventually(lambda: upstream.ended and upstream.ended[0] is not None, "the upstream to see the end")
    assert upstream.ended[0] == "ConnectionResetError"


def test_once_fired_removal_and_listing_wait_for_its_timeout(own_lab, upstreams):
    lab = own_lab
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("reset_peer", timeout=1200)
    client = lab.client(proxy)
    fired = time.monotonic()
    client.send(b"x")
    time.sleep(0.2)
    removal = threading.Thread(target=proxy.remove)
    removal.start()
    time.sleep(0.2)
    assert lab.server.call("GET", "/version").status == 200
    assert lab.server.call("GET", "/proxies").status == 200
    assert time.monotonic() - fired >= 1.2 - EARLY_S
    removal.join()
    assert client.ending() == "reset"
