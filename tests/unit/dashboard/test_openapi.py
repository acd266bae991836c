"""The page with both contracts: what is shown, what is served, and that nothing else can be loaded by it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard import openapi

MINE = "openapi: 3.1.0\n# mine\n"
SCHEMA = {"openapi": "3.1.0", "paths": {}}


class _Shop(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        body = json.dumps({"variant": "<b>attempt"} if self.path == "/ready" else SCHEMA).encode()
        self.send_response(200 if self.path == "/ready" else self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def shop() -> Iterator[tuple[str, type[_Shop]]]:
    """A shop that says whose code it serves."""
    kind = type("_Shop", (_Shop,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", kind
    server.shutdown()
    server.server_close()


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=list(openapi.ROUTES)))


def contract(lab: Any) -> None:
    folder = lab.folder / "attempt" / "contract"
    folder.mkdir(parents=True)
    (folder / "openapi.yaml").write_text(MINE)


def said(app: Any) -> str:
    return "\n".join([*(element.proto.body for element in app.get("html")), *(str(one.value) for one in app.info)])


def drawn(app: Any) -> list[str]:
    return [element.proto.src for element in app.get("iframe")]


def test_without_both_the_page_says_how_to_get_them(lab: Any) -> None:
    app = lab.page("contract")
    assert "There is no contract of yours." in said(app)
    assert "The stack is not up." in said(app)
    assert drawn(app) == []
    assert not app.exception


def test_both_are_drawn_side_by_side_and_whose_code_serves_is_no_markup(lab: Any, shop: Any) -> None:
    contract(lab)
    lab.stack(api=shop[0])
    app = lab.page("contract")
    assert [address.partition("&")[0] for address in drawn(app)] == ["/openapi/page?of=own", "/openapi/page?of=served"]
    assert "Variant &lt;b&gt;attempt" in said(app)


def test_a_shop_that_has_no_schema_is_told(lab: Any, shop: Any) -> None:
    lab.stack(api=shop[0])
    shop[1].status = 500
    app = lab.page("contract")
    assert "The shop answers 500 for its schema." in said(app)
    lab.stack(api="http://127.0.0.1:1")
    assert "The shop does not answer." in said(lab.page("contract"))


def test_both_documents_are_served_as_they_are(lab: Any, shop: Any, client: TestClient) -> None:
    assert client.get("/openapi/own").status_code == 404
    assert client.get("/openapi/served").text == "The stack is not up. Start it with `make up`, then reload this page."
    contract(lab)
    lab.stack(api=shop[0])
    assert client.get("/openapi/own").text == MINE
    assert client.get("/openapi/served").json() == SCHEMA


def test_the_page_loads_nothing_but_its_own_files(lab: Any, client: TestClient) -> None:
    page = client.get("/openapi/page?of=<script>")
    assert "<title>Swagger UI: what the shop serves</title>" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "http" not in page.text + policy
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "openapi.js"):
        assert name in page.text
        assert client.get(f"/openapi/{name}").status_code == 200
    assert client.get("/openapi/swagger-ui-bundle.js.map").status_code == 404
