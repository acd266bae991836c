"""Are the parts of the stack there? Asked of each part itself, at once, each within a second."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from dashboard.stack import Endpoint, Stack
from dashboard.words import BAD, GOOD, WARN, Sign

TIMEOUT = httpx.Timeout(1.0, connect=0.5)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the stack and how it is."""

    name: str
    sign: Sign


def parts(stack: Stack) -> list[Part]:
    """Never raises: a part that can't be asked is a part that is away."""
    urls = stack.urls
    asks: list[tuple[str, Callable[[], Sign]]] = [
        ("API", lambda: _ready(urls.api)),
        ("Worker", lambda: _answers(stack.metrics.get("worker"), "")),
        ("PostgreSQL", lambda: _listens(stack.postgres)),
        ("Redis", lambda: _listens(stack.redis)),
        ("Gateway", lambda: _answers(urls.gateway, "/health")),
        ("Mail", lambda: _answers(urls.mail, "/health")),
        ("Toxiproxy", lambda: _answers(urls.toxiproxy, "/version")),
        ("Agent", lambda: _answers(urls.agent, "/health")),
        ("Scorecard", lambda: _answers(urls.scorecard, "/health")),
        ("Prometheus", lambda: _answers(urls.prometheus, "/-/ready")),
    ]
    with ThreadPoolExecutor(max_workers=len(asks)) as pool:
        return [Part(name, sign) for (name, _), sign in zip(asks, pool.map(lambda ask: ask[1](), asks), strict=True)]


def _ready(url: str | None) -> Sign:
    """The API's readiness, with the variant that it says it serves."""
    if url is None:
        return Sign(WARN, "absent", "warn")
    try:
        answer = httpx.get(f"{url.rstrip('/')}/ready", timeout=TIMEOUT, trust_env=False)
        body = answer.json()
        variant = str(body.get("variant", "")) if isinstance(body, dict) else ""
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return Sign(BAD, "no answer", "bad")
    if not answer.is_success:
        return Sign(WARN, "not ready", "warn")
    return Sign(GOOD, f"ready ({variant})" if variant else "ready", "good")


def _answers(url: str | None, path: str) -> Sign:
    if url is None:
        return Sign(WARN, "absent", "warn")
    try:
        answer = httpx.get(f"{url.rstrip('/')}{path}", timeout=TIMEOUT, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return Sign(BAD, "no answer", "bad")
    return Sign(GOOD, "ready", "good") if answer.is_success else Sign(BAD, f"answers {answer.status_code}", "bad")


def _listens(endpoint: Endpoint | None) -> Sign:
    if endpoint is None:
        return Sign(WARN, "absent", "warn")
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout=1.0):
            return Sign(GOOD, "listening", "good")
    except OSError:
        return Sign(BAD, "no answer", "bad")
