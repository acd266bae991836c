"""Shows JSON as an HTML page to a browser, since the toolbar needs one; `?as=` in a link chooses the account."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.html import escape, format_html_join

from services.shop.core.config import current

READS = (
    ("/api/events/", ""),
    ("/api/me/", "customer"),
    ("/api/orders/", "customer"),
    ("/api/support/orders/", "support"),
    ("/api/admin/sales/", "admin"),
)


def world_file() -> Path:
    """The file with the accounts of `?as=` and their tokens."""
    return current().run_dir / "develop.json"


def everybody(_: HttpRequest) -> bool:
    """Every client may see the toolbar: the server listens on loopback only."""
    return True


def index(_: HttpRequest) -> HttpResponse:
    """The first page: links to the addresses worth looking at."""
    links = [(f"{path}?as={who}" if who else path, path, who or "anybody") for path, who in READS]
    listed = format_html_join("", '<li><a href="{}"><code>{}</code></a> as {}</li>', links)
    return HttpResponse(_page(f"<h1>{current().variant}</h1><ul>{listed}</ul>"))


class Page:
    """Middleware around all of the variant's own, inside the toolbar's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        world: dict[str, Any] = json.loads(world_file().read_text())
        self._tokens = {name: str(person["access"]) for name, person in world["cast"].items()}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = self._tokens.get(request.GET.get("as", ""))
        if token:
            request.META["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        as_page = "text/html" in request.META.get("HTTP_ACCEPT", "") and request.path.startswith("/api/")
        if as_page:
            request.META["HTTP_ACCEPT"] = "application/json"  # the only type that the variant renders
        response = self._get_response(request)
        if as_page and "json" in response.headers.get("Content-Type", ""):
            body = json.dumps(json.loads(response.content), indent=2, ensure_ascii=False)
            head = f"{request.method} {request.path}: {response.status_code}"
            return HttpResponse(_page(f"<h1>{escape(head)}</h1><pre>{escape(body)}</pre>"), status=response.status_code)
        return response


def _page(body: str) -> str:
    return f"<!doctype html><html lang='en'><head><title>Firedrill: develop</title></head><body>{body}</body></html>"
