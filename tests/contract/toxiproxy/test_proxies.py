"""Creating, changing and deleting proxies, and what clients of them feel."""

from __future__ import annotations

import socket
from urllib.parse import quote

import pytest


def test_create_answers_201_with_the_whole_proxy(lab, upstreams):
    upstream = lab.upstream(upstreams.echo)
    name = lab.name()
    body = {"name": name, "listen": "127.0.0.1:0", "upstream": upstream.address}
    answer = lab.server.call("POST", "/proxies", body)
    assert answer.status == 201
    assert answer.headers["content-type"] == "application/json"
    port = int(answer.json["listen"].rpartition(":")[2])
    assert port > 0
    expected = {
        "name": name,
        "listen": f"127.0.0.1:{port}",
        "upstream": upstream.address,
        "enabled": True,
        "Logger": {},
        "toxics": [],
    }
    assert answer.json == expected
    assert lab.server.call("GET", f"/proxies/{name}").json == expected
    assert lab.server.call("GET", "/proxies").json[name] == expected


def test_data_flows_both_ways(lab, upstreams):
    client = lab.client(lab.proxy(lab.upstream(upstreams.echo)))
    payload = bytes(range(256)) * 4096
    client.socket.settimeout(20)
    for start in range(0, len(payload), 65536):
        piece = payload[start : start + 65536]
        assert client.ask(piece) == piece


def test_an_upstream_that_speaks_first_is_heard(lab, upstreams):
    client = lab.client(lab.proxy(lab.upstream(upstreams.talker(b"220 welcome\r\n"))))
    assert client.receive(13) == b"220 welcome\r\n"


def test_a_listen_address_without_a_host_still_gets_a_port(lab):
    answer = lab.server.call("POST", "/proxies", {"name": lab.name(), "upstream": "127.0.0.1:1"})
    assert answer.status == 201
    assert int(answer.json["listen"].rpartition(":")[2]) > 0


def test_localhost_is_resolved(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo), listen="localhost:0")
    assert proxy.show()["listen"] == proxy.listen
    lab.established(proxy)


def test_created_disabled_it_refuses_and_keeps_its_address_as_given(lab, upstreams):
    name = lab.name()
    body = {"name": name, "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1", "enabled": False}
    answer = lab.server.call("POST", "/proxies", body)
    assert (answer.status, answer.json["enabled"], answer.json["listen"]) == (201, False, "127.0.0.1:0")


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "name"), ({"name": ""}, "name"), ({"upstream": "a:1"}, "name"), ({"name": "a"}, "upstream")],
)
def test_name_and_upstream_are_required(lab, body, field):
    answer = lab.server.call("POST", "/proxies", body)
    assert (answer.status, answer.json["error"]) == (400, f"missing required field: {field}")


def test_a_name_is_taken_once(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    body = {"name": proxy.name, "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"}
    answer = lab.server.call("POST", "/proxies", body)
    assert (answer.status, answer.json) == (409, {"error": "proxy already exists", "status": 409})
    lab.established(proxy)


def test_a_busy_port_is_500_and_creates_nothing(lab):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        name, port = lab.name(), holder.getsockname()[1]
        body = {"name": name, "listen": f"127.0.0.1:{port}", "upstream": "127.0.0.1:1"}
        answer = lab.server.call("POST", "/proxies", body)
    assert answer.status == 500
    assert answer.json["error"] == f"listen tcp 127.0.0.1:{port}: bind: address already in use"
    assert lab.server.call("GET", f"/proxies/{name}").status == 404


def test_a_listen_address_without_a_port_is_500(lab):
    body = {"name": lab.name(), "listen": "localhost", "upstream": "127.0.0.1:1"}
    answer = lab.server.call("POST", "/proxies", body)
    assert (answer.status, answer.json["error"]) == (500, "listen tcp: address localhost: missing port in address")


def test_keys_match_in_any_case_unknown_ones_and_a_tail_are_ignored(lab):
    name = lab.name()
    body = f'{{"NAME":"{name}","Upstream":"127.0.0.1:1","eNabled":false,"colour":"red","listen":null}} and more'
    answer = lab.server.call("POST", "/proxies", body.encode())
    assert (answer.status, answer.json["name"], answer.json["enabled"]) == (201, name, False)


def test_a_name_may_need_quoting(lab, upstreams):
    name = f"{lab.name()} with ümlaut"
    lab.names.append(name)
    body = {"name": name, "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"}
    assert lab.server.call("POST", "/proxies", body).status == 201
    assert lab.server.call("GET", f"/proxies/{quote(name)}").json["name"] == name


def test_delete_closes_everything(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    client = lab.established(proxy)
    answer = lab.server.call("DELETE", proxy.path)
    assert (answer.status, answer.body) == (204, b"")
    assert client.ending() == "eof"
    assert proxy.refuses()
    assert lab.server.call("DELETE", proxy.path).status == 404


def test_disabled_it_refuses_and_ends_open_connections(lab, upstreams, eventually):
    upstream = lab.upstream(upstreams.echo)
    proxy = lab.proxy(upstream)
    client = lab.established(proxy)
    answer = proxy.change(enabled=False)
    assert (answer.status, answer.json["enabled"], answer.json["listen"]) == (200, False, proxy.listen)
    assert client.ending() == "eof"
    assert proxy.refuses()
    eventually(lambda: upstream.ended[0] == "eof", "the upstream to see the end")
    assert proxy.change(enabled=False).status == 200


def test_a_client_that_is_sending_when_disabled_sees_an_error_or_the_end(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.read_all))
    client = lab.client(proxy)
    client.send(b"x" * 1000)
    assert proxy.change(enabled=False).json["enabled"] is False
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        client.send_until_it_fails(b"x" * 65536)


def test_enabled_again_it_serves_on_the_same_port(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    for _ in range(3):
        assert proxy.change(enabled=False).status == 200
        assert proxy.refuses()
        assert proxy.change(enabled=True).json["listen"] == proxy.listen
        lab.established(proxy)


def test_post_updates_like_patch(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    assert lab.server.call("POST", proxy.path, {"enabled": False}).json["enabled"] is False
    assert proxy.refuses()


def test_an_update_merges_and_ignores_the_name(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    client = lab.established(proxy)
    before = proxy.show()
    assert proxy.change(name="other").json == before
    assert proxy.change().json == before
    assert proxy.change(listen=before["listen"], upstream=before["upstream"], enabled=True).json == before
    assert client.ask(b"still") == b"still"


def test_a_new_upstream_closes_connections_and_keeps_toxics(lab, upstreams):
    old, new = lab.upstream(upstreams.echo), lab.upstream(upstreams.echo)
    proxy = lab.proxy(old)
    proxy.add("latency", latency=1)
    client = lab.established(proxy)
    answer = proxy.change(upstream=new.address)
    assert (answer.status, answer.json["upstream"], answer.json["enabled"]) == (200, new.address, True)
    assert [toxic["name"] for toxic in answer.json["toxics"]] == ["t"]
    assert client.ending() == "eof"
    lab.established(proxy)
    assert (len(old.connections), len(new.connections)) == (1, 1)


def test_a_new_listen_address_moves_it(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    port = lab.free_port()
    assert proxy.change(listen=f"127.0.0.1:{port}").json["listen"] == f"127.0.0.1:{port}"
    assert proxy.refuses()
    proxy.port = port
    lab.established(proxy)


def test_moved_to_a_busy_port_it_is_500_and_left_disabled(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    with socket.create_server(("127.0.0.1", 0)) as holder:
        busy = f"127.0.0.1:{holder.getsockname()[1]}"
        answer = proxy.change(listen=busy)
        assert (answer.status, answer.json["error"]) == (500, f"listen tcp {busy}: bind: address already in use")
        assert (proxy.show()["enabled"], proxy.show()["listen"]) == (False, busy)
    assert proxy.change(enabled=True).json["enabled"] is True


def test_enabled_on_a_port_that_was_taken_meanwhile_it_stays_disabled(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.change(enabled=False)
    with socket.create_server(("127.0.0.1", proxy.port)):
        assert proxy.change(enabled=True).status == 500
        assert proxy.show()["enabled"] is False


@pytest.mark.parametrize("fields", [{"listen": 1}, {"enabled": "no"}, {"upstream": []}, {"name": 1}])
def test_an_update_with_a_wrong_type_is_400_and_changes_nothing(lab, upstreams, fields):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    before = proxy.show()
    answer = proxy.change(**{"upstream": "127.0.0.1:1", **fields})
    assert answer.status == 400
    assert answer.json["error"].startswith("bad request body: json: cannot unmarshal")
    assert proxy.show() == before


def test_an_update_with_a_malformed_address_is_500_and_changes_nothing(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    answer = proxy.change(listen="foo")
    assert (answer.status, answer.json["error"]) == (500, "address foo: missing port in address")
    assert proxy.show()["listen"] == proxy.listen
    lab.established(proxy)


def test_reset_enables_all_and_removes_all_toxics(lab, upstreams):
    down, sick = lab.proxy(lab.upstream(upstreams.echo)), lab.proxy(lab.upstream(upstreams.echo))
    down.change(enabled=False)
    sick.add("latency", latency=10_000)
    sick.add("bandwidth", stream="upstream", name="u", rate=1)
    client = lab.client(sick)
    client.send(b"late")
    answer = lab.server.call("POST", "/reset")
    assert (answer.status, answer.body) == (204, b"")
    assert (down.show()["enabled"], sick.show()["toxics"]) == (True, [])
    assert client.receive(4) == b"late"
    lab.established(down)


def test_reset_stops_at_a_proxy_whose_port_is_busy(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.change(enabled=False)
    with socket.create_server(("127.0.0.1", proxy.port)):
        assert lab.server.call("POST", "/reset").status == 500
        assert proxy.show()["enabled"] is False
    assert lab.server.call("POST", "/reset").status == 204
    assert proxy.show()["enabled"] is True
