"""Two OpenAPI documents for Swagger UI: the learner's own contract, and the one that the shop serves.

Swagger UI's files come from a package that is locked like the others, so that the page works offline. Both documents
are somebody's own words, so the page may load nothing but what is here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path
from typing import Final

import httpx
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard import config
from dashboard.errors import SourceAway
from dashboard.stack import read_stack

TOP: Final = "/openapi"
NAMES: Final = {"own": "your contract", "served": "what the shop serves"}
TIMEOUT: Final = httpx.Timeout(10.0, connect=1.0)
MOST_BYTES: Final = 4 << 20
_SCRIPT: Final = Path(__file__).with_suffix(".js")
_ASSETS: Final = ("swagger-ui.css", "swagger-ui-bundle.js")
_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Swagger UI: {name}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<link rel="stylesheet" href="swagger-ui.css"><style>
html{{color-scheme:light dark;background:#fff}} html.dark-mode{{background:#1c2022}} body{{margin:0}}
.swagger-ui .wrapper{{padding:0 .75rem}} .swagger-ui .info{{margin:1rem 0}}
.swagger-ui .scheme-container,.swagger-ui .info .link{{display:none}}
</style><main id="ui"></main>
<script src="swagger-ui-bundle.js"></script><script src="openapi.js"></script></html>
"""
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; frame-ancestors 'self'",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the shop says of itself. *variant*: whose code says so; empty when the shop does not tell."""

    document: bytes
    variant: str


def own() -> bytes:
    """The learner's contract as it is on disk. Raises: SourceAway."""
    path = config.from_environment().attempt_dir / "contract" / "openapi.yaml"
    try:
        return path.read_bytes()[:MOST_BYTES]
    except OSError:
        raise SourceAway(
            "There is no contract of yours.", "`firedrill attempt start --drill 1 --seed 4` makes one to complete."
        ) from None


def served() -> Served:
    """What the shop that runs serves. Raises: SourceAway."""
    url = read_stack(config.from_environment().stack_file).urls.api
    if url is None:
        raise SourceAway("The stack has no API.", "Start it with `make up`, then reload this page.")
    try:
        with httpx.Client(base_url=url, timeout=TIMEOUT, trust_env=False) as client:
            ready = client.get("/ready").json()
            answer = client.get("/api/schema/", params={"format": "json"})
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        raise SourceAway("The shop does not answer.", "`make status` says why.") from None
    if not answer.is_success:
        raise SourceAway(
            f"The shop answers {answer.status_code} for its schema.", "Its log says why: `make logs P=api`."
        )
    variant = ready.get("variant") if isinstance(ready, dict) else None
    return Served(document=answer.content[:MOST_BYTES], variant=str(variant or ""))


def address(name: str, *, dark: bool) -> str:
    """Of the page that draws *name*, one of `NAMES`."""
    return f"{TOP}/page?of={name}&theme={'dark' if dark else 'light'}"


def _page(request: Request) -> Response:
    name = NAMES.get(request.query_params.get("of", ""), NAMES["served"])
    return HTMLResponse(_PAGE.format(name=escape(name)), headers=_HEADERS)


def _own(_: Request) -> Response:
    return _document(own, "application/yaml")


def _served(_: Request) -> Response:
    return _document(lambda: served().document, "application/json")


def _document(read: Callable[[], bytes], media_type: str) -> Response:
    try:
        return Response(read(), media_type=media_type, headers=_HEADERS)
    except SourceAway as away:
        return PlainTextResponse(f"{away.what} {away.way_on}", status_code=404, headers=_HEADERS)


def _script(_: Request) -> Response:
    return FileResponse(_SCRIPT, media_type="text/javascript", headers={"Cache-Control": "no-store"})


def _asset(request: Request) -> Response:
    name = request.url.path.rpartition("/")[2]
    files = resources.files("drf_spectacular_sidecar") / "static" / "drf_spectacular_sidecar" / "swagger-ui-dist"
    return FileResponse(str(files / name))


ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route(f"{TOP}/page", _page),
    Route(f"{TOP}/own", _own),
    Route(f"{TOP}/served", _served),
    Route(f"{TOP}/openapi.js", _script),
    *(Route(f"{TOP}/{name}", _asset) for name in _ASSETS),
)
"""What the dashboard serves besides its pages."""
