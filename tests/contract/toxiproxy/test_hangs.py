"""Where the server makes its callers wait: why every call of an adapter needs a deadline of its own."""

from __future__ import annotations

import fcntl
import sys
import termios
import time

SOON_S = 0.7


def _hangs(server, method, path, body=None):
    try:
        server.call(method, path, body, timeout_s=SOON_S)
    except TimeoutError:
        return True
    return False


def test_a_client_that_does_not_read_holds_up_changes_of_toxics(own_lab, upstreams, eventually):
    lab = own_lab
    payload = bytes(64 * 1024 * 1024)
    upstream = lab.upstream(upstreams.sender(payload))
    proxy = lab.proxy(upstream)
    client = lab.client(proxy)
    client.receive(1)
    _wait_until_full(client, eventually)
    assert _hangs(lab.server, "POST", f"{proxy.path}/toxics", {"name": "t", "type": "latency"})
    assert _hangs(lab.server, "GET", "/proxies")
    assert lab.server.call("GET", "/version").status == 200
    assert len(client.rest()) == len(payload) - 1
    # What timed out has landed all the same.
    eventually(lambda: [toxic["name"] for toxic in proxy.show()["toxics"]] == ["t"], "the toxic")


def _wait_until_full(client, eventually):
    """Until the receive buffer of *client* has not grown for a while."""

    def stable():
        before = _unread_bytes(client)
        time.sleep(0.3)
        return _unread_bytes(client) == before

    eventually(stable, "the receive buffer to fill")


def _unread_bytes(client):
    return int.from_bytes(fcntl.ioctl(client.socket, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_a_dial_into_the_void_holds_up_disabling_but_not_a_reset(own_lab, upstreams, black_hole, eventually):
    lab = own_lab
    listener, address = black_hole
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    other = lab.proxy(lab.upstream(upstreams.echo))
    waiting = lab.proxy(address)
    lab.client(waiting)
    later = lab.client(waiting)
    assert later.is_silent(SOON_S)
    assert lab.server.call("POST", "/reset", timeout_s=5).status == 204
    lab.established(other)
    assert _hangs(lab.server, "PATCH", waiting.path, {"enabled": False})
    assert waiting.refuses()
    lab.established(proxy)
    assert _hangs(lab.server, "DELETE", waiting.path)
    assert _hangs(lab.server, "GET", "/proxies")
    assert lab.server.call("GET", "/version").status == 200
    # The next SYN is refused, which ends the dial; both calls that hung then land.
    listener.close()
    eventually(lambda: not _hangs(lab.server, "GET", "/proxies"), "the dial to end")
    assert waiting.name not in lab.server.call("GET", "/proxies").json
