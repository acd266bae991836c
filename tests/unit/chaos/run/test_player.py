"""The player against a real HTTP server: what goes out, what is kept, and what never reaches the disk."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chaos.model.exchange import MOST_BODY_BYTES, Case, Exchange
from chaos.run import player as players
from chaos.run.player import Player, World, written

ACCESS = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjo3MX0.c2lnbmF0dXJl"
PASSWORD = "correct-horse-battery"
WORLD = World(
    cast={"customer": {"id": 71, "access": ACCESS, "refresh": "refresh-of-ann-0123456789"}}, password=PASSWORD
)


class _Shop(BaseHTTPRequestHandler):
    """Answers by path, and remembers what it was sent."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, dict[str, str], bytes]]

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.path, dict(self.headers), body))
        name = self.path.split("/")[1].partition("?")[0]
        getattr(self, f"_{name}", self._json)()

    do_GET = do_POST = do_PATCH = _answer

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _json(self) -> None:
        told = {"id": "made-1", "access": ACCESS, "word": PASSWORD}
        self._send(200, json.dumps(told).encode(), Content_Type="application/json", X_Token=ACCESS)

    def _moved(self) -> None:
        self._send(302, b"", Location="/json/")

    def _broken(self) -> None:
        self._send(503, b"{}", Retry_After="1")

    def _large(self) -> None:
        self._send(200, b"x" * (MOST_BODY_BYTES + 10))

    def _exact(self) -> None:
        self._send(200, b"x" * MOST_BODY_BYTES)

    def _bytes(self) -> None:
        self._send(200, b"\xff\xfe")

    def _cut(self) -> None:
        """Ends amid its body."""
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"half")
        self.wfile.flush()
        self.close_connection = True

    def _drip(self) -> None:
        """A byte now and then, for ever: no single read takes long."""
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        try:
            for _ in range(1000):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.02)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def shop() -> Iterator[ThreadingHTTPServer]:
    _Shop.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def player(shop: ThreadingHTTPServer) -> Iterator[Player]:
    made = Player(
        f"http://127.0.0.1:{shop.server_address[1]}", WORLD, now_unix_s=time.time, t0_unix_s=time.time(), salt="salt",
        seed=1,
    )  # fmt: skip
    yield made
    made.close()


def case(path: str, **more: Any) -> Case:
    given = {"id": "s-1", "section": "s", "operation": "op", "identity": "customer", "method": "GET", **more}
    return Case(path=path, **given)


def send(player: Player, one: Case) -> Exchange:
    return player.send(one, id_=one.id, rows=None)


def test_who_asks_is_who_the_case_says(player: Player) -> None:
    send(player, case("/json/"))
    send(player, case("/json/", identity="anonymous"))
    with_token, without = (headers for _, _, headers, _ in _Shop.seen)
    assert with_token["Authorization"] == f"Bearer {ACCESS}"
    assert "Authorization" not in without


def test_no_token_and_no_password_is_kept(player: Player) -> None:
    asked = case(
        "/json/?token=" + ACCESS, method="POST", body=json.dumps({"username": "ann", "password": PASSWORD}),
        headers={"Authorization": f"Bearer {ACCESS}", "X-Note": PASSWORD},
    )  # fmt: skip
    kept = written([send(player, asked), asked], player.hidden).decode()
    assert ACCESS not in kept
    assert PASSWORD not in kept
    assert "eyJ" not in kept
    assert _Shop.seen[0][3] == json.dumps({"username": "ann", "password": PASSWORD}).encode()  # what was sent is whole


def test_nothing_is_followed_and_nothing_sent_twice(player: Player) -> None:
    assert send(player, case("/moved/")).status == 302
    assert send(player, case("/broken/")).status == 503
    assert send(player, case("/cut/")).error == "RemoteProtocolError"
    assert [path for _, path, _, _ in _Shop.seen] == ["/moved/", "/broken/", "/cut/"]


def test_a_proxy_of_the_environment_is_not_used(shop: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    url = f"http://127.0.0.1:{shop.server_address[1]}"
    made = Player(url, WORLD, now_unix_s=time.time, t0_unix_s=0.0, salt="", seed=1)
    assert send(made, case("/json/")).status == 200


@pytest.mark.parametrize(("path", "cut", "size"), [("/large/", True, 10), ("/exact/", False, 0)])
def test_a_body_over_the_limit_is_cut_and_says_so(player: Player, path: str, cut: bool, size: int) -> None:
    exchange = send(player, case(path))
    assert (exchange.cut, exchange.body_bytes, len(exchange.body)) == (cut, MOST_BODY_BYTES + size, MOST_BODY_BYTES)
    if cut:
        with pytest.raises(ValueError, match="are on record"):
            exchange.json()


def test_bytes_that_are_no_text_are_kept_as_far_as_they_can_be(player: Player) -> None:
    exchange = send(player, case("/bytes/"))
    assert (exchange.text, exchange.body_bytes) == (False, 2)


def test_a_call_has_a_deadline_however_it_is_dripped(player: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(players, "DEADLINE_S", 0.2)
    exchange = send(player, case("/drip/"))
    assert (exchange.error, exchange.status) == ("Deadline", 0)


def test_an_answer_names_what_a_later_case_asks_for(player: Player) -> None:
    send(player, case("/json/", id="s-1"))
    exchange = send(player, case("/orders/<<s-1.id>>/", id="s-2", body='{"of": "<<s-1.id>>"}', method="POST"))
    assert exchange.path == "/orders/made-1/"
    assert _Shop.seen[1][1::2] == ("/orders/made-1/", b'{"of": "made-1"}')


def test_a_request_that_needs_a_missing_answer_is_not_sent(player: Player) -> None:
    exchange = send(player, case("/orders/<<s-9.id>>/"))
    assert (exchange.error, exchange.sent) == ("unsent: s-9 answered no id", None)
    assert not _Shop.seen


@pytest.mark.parametrize(
    ("path", "on_the_wire"),
    [("/json/a b", "/json/a%20b"), ("/json/%00", "/json/%00"), ("/json/ä?x=%zz", "/json/%C3%A4?x=%zz")],
)
def test_odd_paths_go_out_as_they_are(player: Player, path: str, on_the_wire: str) -> None:
    assert send(player, case(path)).status == 200
    assert _Shop.seen[0][1] == on_the_wire


@pytest.mark.parametrize("headers", [{"X-Note": "a\nb"}, {"X Note": "a"}, {"X-Note": "ä€"}])
def test_a_header_that_can_not_be_sent_is_told(player: Player, headers: dict[str, str]) -> None:
    exchange = send(player, case("/json/", headers=headers))
    assert exchange.error
    assert not exchange.status


def test_a_refused_connection_is_an_exchange_without_an_answer() -> None:
    made = Player("http://127.0.0.1:9", WORLD, now_unix_s=time.time, t0_unix_s=time.time(), salt="", seed=1)
    exchange = send(made, case("/json/"))
    assert (exchange.status, exchange.error, exchange.outcome) == (0, "ConnectError", "fail")


def test_the_request_as_a_line_to_paste(player: Player) -> None:
    asked = case("/json/?a=1", method="POST", body='{"a": "it\'s"}')
    line = send(player, asked).curl
    assert line.startswith("curl -i -X POST -H 'Authorization: Bearer <access token of customer>'")
    assert line.endswith("""--data '{"a": "it'\\''s"}' "$API"'/json/?a=1'""")
