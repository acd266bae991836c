"""POST /populate: create or replace many proxies."""

from __future__ import annotations

import socket

import pytest


def _populate(lab, *entries):
    return lab.server.call("POST", "/populate", list(entries))


def _entry(lab, listen, upstream="127.0.0.1:1", **fields):
    return {"name": lab.name(), "listen": listen, "upstream": upstream, **fields}


def test_it_creates_and_answers_with_all(lab):
    first, second = _entry(lab, "127.0.0.1:0"), _entry(lab, "127.0.0.1:0", enabled=False)
    answer = _populate(lab, first, second)
    assert answer.status == 201
    assert answer.headers["content-type"] == "application/json"
    shown = answer.json["proxies"]
    assert [(proxy["name"], proxy["enabled"], proxy["toxics"]) for proxy in shown] == [
        (first["name"], True, []),
        (second["name"], False, []),
    ]
    assert set(answer.json) == {"proxies"}
    assert lab.server.call("GET", f"/proxies/{first['name']}").json == shown[0]


@pytest.mark.parametrize("body", [b"[]", b"null"])
def test_nothing_in_is_null_out(lab, body):
    answer = lab.server.call("POST", "/populate", body)
    assert (answer.status, answer.json) == (201, {"proxies": None})


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"", "EOF"), (b"{}", "json: cannot unmarshal object"), (b'[{"name":1}]', "json: cannot unmarshal number")],
)
def test_a_body_that_cannot_be_read_is_400_in_json(lab, body, reason):
    answer = lab.server.call("POST", "/populate", body)
    assert (answer.status, answer.headers["content-type"]) == (400, "application/json")
    assert answer.json["error"].startswith(f"bad request body: {reason}")
    assert (answer.json["status"], answer.json["proxies"]) == (400, None)


def test_an_invalid_entry_applies_nothing(lab):
    good = _entry(lab, "127.0.0.1:0")
    answer = _populate(lab, good, {"name": lab.name()})
    assert answer.status == 400
    assert answer.json == {"error": "missing required field: upstream at proxy 2", "status": 400, "proxies": None}
    assert lab.server.call("GET", f"/proxies/{good['name']}").status == 404
    assert _populate(lab, {"upstream": "a:1"}).json["error"] == "missing required field: name at proxy 1"


def test_a_busy_port_keeps_earlier_entries_and_skips_later_ones(lab):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        busy = f"127.0.0.1:{holder.getsockname()[1]}"
        entries = [_entry(lab, "127.0.0.1:0"), _entry(lab, busy), _entry(lab, "127.0.0.1:0")]
        answer = _populate(lab, *entries)
    assert answer.status == 500
    assert answer.json["error"] == f"listen tcp {busy}: bind: address already in use"
    assert [proxy["name"] for proxy in answer.json["proxies"]] == [entries[0]["name"]]
    found = [lab.server.call("GET", f"/proxies/{entry['name']}").status for entry in entries]
    assert found == [200, 404, 404]


def test_replaced_by_a_busy_port_the_old_one_is_left_disabled(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    with socket.create_server(("127.0.0.1", 0)) as holder:
        busy = f"127.0.0.1:{holder.getsockname()[1]}"
        answer = _populate(lab, {"name": proxy.name, "listen": busy, "upstream": "127.0.0.1:1"})
    assert answer.status == 500
    assert (proxy.show()["enabled"], proxy.show()["listen"]) == (False, proxy.listen)


def test_an_unchanged_proxy_keeps_its_connections_and_toxics(lab, upstreams):
    upstream = lab.upstream(upstreams.echo)
    proxy = lab.proxy(upstream)
    proxy.add("latency", latency=1)
    client = lab.established(proxy)
    answer = _populate(lab, {"name": proxy.name, "listen": proxy.listen, "upstream": upstream.address})
    assert [toxic["name"] for toxic in answer.json["proxies"][0]["toxics"]] == ["t"]
    assert client.ask(b"still") == b"still"


def test_an_unchanged_proxy_keeps_enabled_whatever_is_asked(lab, upstreams):
    upstream = lab.upstream(upstreams.echo)
    proxy = lab.proxy(upstream)
    entry = {"name": proxy.name, "listen": proxy.listen, "upstream": upstream.address}
    assert _populate(lab, {**entry, "enabled": False}).json["proxies"][0]["enabled"] is True
    proxy.change(enabled=False)
    assert _populate(lab, {**entry, "enabled": True}).json["proxies"][0]["enabled"] is False


def test_a_changed_upstream_replaces_it_and_loses_toxics(lab, upstreams):
    old, new = lab.upstream(upstreams.echo), lab.upstream(upstreams.echo)
    proxy = lab.proxy(old)
    proxy.add("latency", latency=1)
    client = lab.established(proxy)
    answer = _populate(lab, {"name": proxy.name, "listen": proxy.listen, "upstream": new.address})
    assert (answer.status, answer.json["proxies"][0]["toxics"]) == (201, [])
    assert client.ending() == "eof"
    lab.established(proxy)
    assert len(new.connections) == 1


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "0.0.0.0:{port}", ":{port}"])
def test_addresses_that_never_equal_what_is_stored_replace_a_started_proxy(lab, listen):
    entry = _entry(lab, listen.format(port=lab.free_port()))
    assert _populate(lab, entry).status == 201
    path = f"/proxies/{entry['name']}"
    assert lab.server.call("POST", f"{path}/toxics", {"type": "latency"}).status == 200
    assert _populate(lab, entry).status == 201
    assert lab.server.call("GET", f"{path}/toxics").json == []


@pytest.mark.parametrize("listen", ["127.0.0.1:{port}", "localhost:{port}", "[::]:{port}"])
def test_addresses_that_are_stable_keep_a_started_proxy(lab, listen):
    if "::" in listen and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 on this machine")
    entry = _entry(lab, listen.format(port=lab.free_port()))
    assert _populate(lab, entry).status == 201
    path = f"/proxies/{entry['name']}"
    assert lab.server.call("POST", f"{path}/toxics", {"type": "latency"}).status == 200
    assert _populate(lab, entry).status == 201
    assert len(lab.server.call("GET", f"{path}/toxics").json) == 1


def test_all_interfaces_are_shown_as_such(lab):
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 on this machine")
    port = lab.free_port()
    answer = _populate(lab, _entry(lab, f"0.0.0.0:{port}"))
    assert answer.json["proxies"][0]["listen"] == f"[::]:{port}"
