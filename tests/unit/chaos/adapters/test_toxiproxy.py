"""The adapter against a server that misbehaves on demand; what the well-behaved ones do is in tests/contract."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chaos.adapters.toxiproxy import (
    ProxySpec,
    ServerVersion,
    ToxiproxyAdapter,
    ToxiproxyDeadline,
    ToxiproxyMismatch,
    ToxiproxyRefused,
    ToxiproxyUnreachable,
)
from chaos.errors import ExitCode, InvalidInput, LabBroken
from chaos.ports import ProxyControl, ToxicSpec

LATENCY = ToxicSpec(name="t", type="latency", attributes={"latency": 300})
AS_JSON: dict[str, Any] = {
    "name": "t",
    "type": "latency",
    "stream": "downstream",
    "toxicity": 1,
    "attributes": {"latency": 300, "jitter": 0},
}
PROXY: dict[str, Any] = {
    "name": "a",
    "listen": "127.0.0.1:1",
    "upstream": "127.0.0.1:2",
    "enabled": True,
    "Logger": {},
    "toxics": [],
}
HTML = "<html><body><h1>Timeout</h1></body></html>"


class FakeServer:
    """Answers as told, by method and path.

    Attributes:
        answers: `"GET /proxies"` → (status, JSON value or text), or a function that writes to the socket itself.
        asked: Every request so far, with its decoded body.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _handle(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                key = f"{self.command} {self.path}"
                outer.asked.append((key, json.loads(body) if body else None))
                answer = outer.answers.get(key, (404, {"error": "proxy not found", "status": 404}))
                if callable(answer):
                    answer(self)
                    return
                status, value = answer
                data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = _handle

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Ends what hangs when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def test_it_is_what_the_engine_asks_for(server):
    control: ProxyControl = ToxiproxyAdapter(server.url, 5.0)
    server.answers["GET /proxies"] = (200, {"a": PROXY})
    assert control.deviations() == []


@pytest.mark.parametrize("url", ["", "127.0.0.1:8474", "https://127.0.0.1:1", "http://127.0.0.1", "http://h:1/path"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(InvalidInput, match="expected http://host:port"):
        ToxiproxyAdapter(url)


def test_a_deadline_has_to_be_positive():
    with pytest.raises(InvalidInput, match="got a deadline of 0 s"):
        ToxiproxyAdapter("http://127.0.0.1:1", 0)


# --- deadlines -------------------------------------------------------------------------------------------------------


def _calls(adapter: ToxiproxyAdapter) -> dict[str, Any]:
    return {
        "GET /version": adapter.version,
        "GET /proxies": adapter.proxies,
        "POST /proxies/a/toxics": lambda: adapter.add_toxic("a", LATENCY),
        "DELETE /proxies/a/toxics/t": lambda: adapter.remove_toxic("a", "t"),
        "POST /proxies/a": lambda: adapter.set_enabled("a", False),
        "POST /reset": adapter.reset,
    }


@pytest.mark.parametrize("key", _calls(ToxiproxyAdapter("http://127.0.0.1:1")))
def test_every_call_has_a_deadline(server, released, key):
    server.answers[key] = lambda handler: released.wait(30)
    with pytest.raises(ToxiproxyDeadline, match=r"got no answer within 0\.5 s") as caught:
        _calls(ToxiproxyAdapter(server.url, 0.5))[key]()
    assert key in str(caught.value)
    assert "may still take effect" in str(caught.value)
    assert caught.value.exit_code is ExitCode.LAB_BROKEN


def test_an_answer_that_trickles_does_not_stretch_the_deadline(server, released):
    """A timeout of requests counts per read: a byte now and then would keep it waiting for ever."""

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not released.wait(0.05):
            handler.wfile.write(b" ")

    server.answers["GET /version"] = trickle
    with pytest.raises(ToxiproxyDeadline):
        ToxiproxyAdapter(server.url, 0.4).version()


def test_reading_back_shares_the_deadline_of_its_call(server, released):
    def slowly(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.3)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    server.answers["POST /proxies/a/toxics"] = slowly
    server.answers["GET /proxies/a/toxics/t"] = slowly
    with pytest.raises(ToxiproxyDeadline, match="GET /proxies/a/toxics/t"):
        ToxiproxyAdapter(server.url, 0.5).add_toxic("a", LATENCY)


def test_one_that_hangs_does_not_hold_up_another(server, released):
    other = FakeServer()
    server.answers["GET /version"] = lambda handler: released.wait(30)
    other.answers["GET /version"] = (200, {"version": "2.12.0"})
    hanging, fine = ToxiproxyAdapter(server.url, 5.0), ToxiproxyAdapter(other.url, 5.0)

    def hang() -> None:
        with suppress(LabBroken):
            hanging.version()

    threading.Thread(target=hang, daemon=True).start()
    while not server.asked:
        time.sleep(0.01)
    assert fine.version().number == "2.12.0"
    assert (server.asked, other.asked) == ([("GET /version", None)], [("GET /version", None)])
    released.set()
    other.server.shutdown()
    other.server.server_close()


# --- errors ----------------------------------------------------------------------------------------------------------


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(ToxiproxyUnreachable) as caught:
        ToxiproxyAdapter(f"http://127.0.0.1:{port}").proxies()
    assert str(caught.value).startswith(f"toxiproxy 127.0.0.1:{port}: GET /proxies: got ")
    assert "Connection refused" in str(caught.value)


def test_an_http_proxy_of_the_environment_is_not_used(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    server.answers["GET /version"] = (200, {"version": "2.12.0"})
    assert ToxiproxyAdapter(server.url).version() == ServerVersion(text="2.12.0")


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, "bad request body"), (404, "proxy not found"), (409, "toxic already exists"), (500, "port busy")],
)
def test_the_servers_own_words_are_passed_on(server, status, error):
    server.answers["POST /proxies/a/toxics"] = (status, {"error": error, "status": status})
    with pytest.raises(ToxiproxyRefused) as caught:
        ToxiproxyAdapter(server.url).add_toxic("a", LATENCY)
    assert caught.value.status == status
    assert f"POST /proxies/a/toxics: got {status} " in str(caught.value)
    assert error in str(caught.value)


def test_an_html_503_is_an_error_in_words(server):
    server.answers["POST /proxies/a"] = (503, HTML)
    with pytest.raises(ToxiproxyRefused, match=r"got 503 <html>.*, expected 200"):
        ToxiproxyAdapter(server.url).set_enabled("a", False)


@pytest.mark.parametrize("answer", [HTML, [], {"version": 2}, "null"])
def test_an_answer_that_is_no_version(server, answer):
    server.answers["GET /version"] = (200, answer)
    with pytest.raises(ToxiproxyRefused, match="GET /version: got"):
        ToxiproxyAdapter(server.url).version()


@pytest.mark.parametrize("answer", [HTML, [], {"a": {}}, {"a": None}, {"a": {**PROXY, "toxics": [1]}}])
def test_an_answer_that_lists_no_proxies(server, answer):
    server.answers["GET /proxies"] = (200, answer)
    with pytest.raises(ToxiproxyRefused, match="got"):
        ToxiproxyAdapter(server.url).proxies()


# --- reading back ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read_back", "difference"),
    [
        ({"attributes": {"latency": 299, "jitter": 0}}, "got latency 299, expected 300"),
        ({"attributes": {"latency": 300, "jitter": 5}}, "got jitter 5, expected 0"),
        ({"attributes": {}}, "got latency None, expected 300"),
        ({"toxicity": 0.5}, "got toxicity 0.5, expected 1.0"),
        ({"stream": "upstream"}, "got stream upstream, expected downstream"),
        ({"type": "timeout"}, "got type timeout, expected latency"),
    ],
)
def test_a_toxic_that_reads_back_differently_is_an_error(server, read_back, difference):
    server.answers["POST /proxies/a/toxics"] = (200, AS_JSON)
    server.answers["GET /proxies/a/toxics/t"] = (200, {**AS_JSON, **read_back})
    with pytest.raises(ToxiproxyMismatch) as caught:
        ToxiproxyAdapter(server.url).add_toxic("a", LATENCY)
    assert "toxic a/t: " in str(caught.value)
    assert difference in str(caught.value)


def test_a_server_that_says_removed_and_still_lists_it(server):
    server.answers["DELETE /proxies/a/toxics/t"] = (204, "")
    server.answers["GET /proxies/a/toxics"] = (200, [AS_JSON])
    with pytest.raises(ToxiproxyMismatch, match="toxic a/t: got it listed after its removal"):
        ToxiproxyAdapter(server.url).remove_toxic("a", "t")


@pytest.mark.parametrize("enabled", [True, False])
def test_a_server_that_says_yes_and_stays_as_it_was(server, enabled):
    server.answers["POST /proxies/a"] = (200, {**PROXY, "enabled": enabled})
    server.answers["GET /proxies/a"] = (200, {**PROXY, "enabled": not enabled})
    with pytest.raises(ToxiproxyMismatch, match=f"proxy a: got enabled {not enabled}, expected {enabled}"):
        ToxiproxyAdapter(server.url).set_enabled("a", enabled)


def test_a_reset_that_leaves_something(server):
    server.answers["POST /reset"] = (204, "")
    server.answers["GET /proxies"] = (200, {"a": {**PROXY, "enabled": False, "toxics": [AS_JSON]}})
    with pytest.raises(ToxiproxyMismatch) as caught:
        ToxiproxyAdapter(server.url).reset()
    assert "proxy a: got it disabled, expected enabled" in str(caught.value)
    assert "proxy a: got toxic t (latency, downstream), expected none" in str(caught.value)


# --- pristine --------------------------------------------------------------------------------------------------------


def test_pristine_names_every_deviation(server):
    server.answers["GET /proxies"] = (
        200,
        {
            "a": {**PROXY, "enabled": False},
            "b": {**PROXY, "name": "b", "toxics": [AS_JSON]},
            "c": {**PROXY, "name": "c"},
        },
    )
    expected = [
        ProxySpec(name="a", listen="127.0.0.1:1", upstream="127.0.0.1:2"),
        ProxySpec(name="c", listen="127.0.0.1:7", upstream="127.0.0.1:8"),
        ProxySpec(name="d", listen="127.0.0.1:3", upstream="127.0.0.1:4"),
    ]
    assert ToxiproxyAdapter(server.url, expected=expected).pristine() == [
        "proxy b: got 127.0.0.1:1 to 127.0.0.1:2, expected no proxy that the lab did not make",
        "proxy c: got listen 127.0.0.1:1, expected 127.0.0.1:7",
        "proxy c: got upstream 127.0.0.1:2, expected 127.0.0.1:8",
        "proxy d: got none, expected 127.0.0.1:3 to 127.0.0.1:4",
        "proxy a: got it disabled, expected enabled",
        "proxy b: got toxic t (latency, downstream), expected none",
    ]


def test_a_server_without_proxies_is_not_pristine(server):
    server.answers["GET /proxies"] = (200, {})
    problems = ToxiproxyAdapter(server.url).pristine()
    assert len(problems) == 1
    assert "got no proxy at all" in problems[0]


# --- values that would crash the server ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toxic", "problem"),
    [
        (ToxicSpec(name="t", type="bandwidth", attributes={"rate": -1}), "rate: got -1"),
        (ToxicSpec(name="t", type="bandwidth", attributes={"rate": 10**17}), "rate: got 100000000000000000"),
        (ToxicSpec(name="t", type="latency", attributes={"jitter": 2**62}), "jitter: got"),
        (ToxicSpec(name="t", type="latency", attributes={"latency": 1.5}), "latency: got 1.5"),  # type: ignore[dict-item]
        (ToxicSpec(name="t", type="slicer", attributes={}), "average_size 0"),
        (ToxicSpec(name="t", type="slicer", attributes={"average_size": 4, "size_variation": 6}), "got 6 at average"),
        (ToxicSpec(name="t", type="latency", attributes={}, toxicity=7), "toxicity: got 7"),
        (ToxicSpec(name="t", type="latency", attributes={}, toxicity=0), "toxicity: got 0"),
        (ToxicSpec(name="t", type="latency", attributes={}, toxicity=float("nan")), "toxicity: got nan"),
    ],
)
def test_dangerous_values_never_reach_the_server(server, toxic, problem):
    with pytest.raises(InvalidInput) as caught:
        ToxiproxyAdapter(server.url).add_toxic("a", toxic)
    assert problem in str(caught.value)
    assert server.asked == []


# --- versions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [("2.12.0", "real", "2.12.0"), ("git", "real", "git"), ("2.12.0+firedrill-standin", "builtin", "2.12.0")],
)
def test_who_answers(server, text, kind, number):
    server.answers["GET /version"] = (200, {"version": text})
    version = ToxiproxyAdapter(server.url).version()
    assert (version.text, version.kind, version.number) == (text, kind, number)
