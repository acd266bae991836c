"""The process: flags, configuration file, metrics, signals."""

from __future__ import annotations

import json
import socket

from chaos.adapters.toxiproxy import ToxiproxyAdapter
from services.stack.layout import Lab, Ports
from services.stack.watch.control_account import ControlAccount, requests_in
from tests.contract.toxiproxy.conftest import Server, eventually


def test_a_configuration_file_creates_proxies(start, tmp_path):
    file = tmp_path / "proxies.json"
    file.write_text(json.dumps([{"name": "a", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"}]))
    proxies = start("-config", str(file)).call("GET", "/proxies").json
    assert (list(proxies), proxies["a"]["enabled"]) == (["a"], True)


def test_a_fresh_server_has_no_proxies(start):
    assert start("-seed", "7").call("GET", "/proxies").json == {}


def test_sigterm_ends_it_with_open_connections(start, lab, upstreams):
    server = start()
    upstream = lab.upstream(upstreams.echo)
    body = {"name": "a", "listen": "127.0.0.1:0", "upstream": upstream.address}
    port = int(server.call("POST", "/proxies", body).json["listen"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        assert server.stop() == 0
        assert client.recv(1) == b""


def test_there_are_no_metrics_without_a_flag(lab):
    assert lab.server.call("GET", "/metrics").status == 404


def test_bytes_are_counted_when_a_connection_closes(start, lab, upstreams, eventually):
    server = start("-proxy-metrics")
    upstream = lab.upstream(upstreams.echo)
    body = {"name": "a", "listen": "127.0.0.1:0", "upstream": upstream.address}
    listen = server.call("POST", "/proxies", body).json["listen"]
    with socket.create_connection(("127.0.0.1", int(listen.rpartition(":")[2])), 20) as client:
        client.sendall(b"12345")
        assert client.recv(5) == b"12345"
        metrics = server.call("GET", "/metrics")
        assert metrics.status == 200
        assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "toxiproxy_proxy" not in metrics.text
    for name in ("received", "sent"):
        for direction in ("upstream", "downstream"):
            labels = f'direction="{direction}",listener="{listen}",proxy="a",upstream="{upstream.address}"'
            line = f"toxiproxy_proxy_{name}_bytes_total{{{labels}}} 5"
            eventually(lambda line=line: line in server.call("GET", "/metrics").text.splitlines(), line)


def test_the_log_names_who_asked_what(kind, tmp_path, eventually):
    log = tmp_path / "log"
    with log.open("wb") as file:
        server = Server(kind, output=file)
    server.call("GET", "/proxies?x=1", headers={"User-Agent": "firedrill/abc"})
    server.call("POST", "/proxies", {"name": "a", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"})
    server.call("DELETE", "/proxies/a", headers={"User-Agent": 'x"}\n{"method":"GET"'.replace("\n", " ")})

    def asked():
        found = [(one.method, one.url, one.by) for one in requests_in(log.read_bytes().splitlines())]
        return [one for one in found if one[1] != "/version"] if "DELETE" in str(found) else None

    assert eventually(asked, "the log's lines") == [
        ("GET", "/proxies?x=1", "firedrill/abc"),
        ("POST", "/proxies", ""),
        ("DELETE", "/proxies/a", 'x"} {"method":"GET"'),
    ]
    assert all(one.client.startswith("127.0.0.1:") for one in requests_in(log.read_bytes().splitlines()))
    server.stop()


def test_a_proxy_that_lives_for_a_moment_is_told_and_the_lab_s_own_requests_are_not(kind, tmp_path):
    stack = Lab(tmp_path / "lab")
    stack.create()
    with (stack.log / "toxiproxy.log").open("wb") as file:
        server = Server(kind, output=file)
    token, ports = stack.secret("lab_token"), Ports(server.port - Ports(0)["toxiproxy"])
    adapter = ToxiproxyAdapter(server.url, 10.0, lab_token=token)

    def strangers(ask):
        account = ControlAccount(stack, ports)
        account.open()
        ask()
        found = [what for _, what in account.close()]
        assert account.trouble == ""
        return found

    def a_way_of_its_own():
        server.call("POST", "/proxies", {"name": "a", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"})
        server.call("DELETE", "/proxies/a")

    eventually(lambda: b"/version" in (stack.log / "toxiproxy.log").read_bytes(), "the log's first lines")
    assert strangers(lambda: [adapter.proxies(), adapter.version(), adapter.reset()]) == []
    (told,) = strangers(a_way_of_its_own)
    assert "2 time(s): POST /proxies from 127.0.0.1:" in told
    assert "1 time(s): GET /proxies from" in strangers(lambda: server.call("GET", "/proxies"))[0]
    server.stop()
