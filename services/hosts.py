"""Names by which a service of the lab may be asked, and a middleware that refuses requests with any other name.

A foreign web page can make its own name point at this machine's loopback address (DNS rebinding); a browser then takes
the lab for a part of that page's site. It is recognised by the Host header, which still has the foreign name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
VARIABLE: Final = "FIREDRILL_HOSTNAMES"
REFUSED: Final = json.dumps(
    {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "code": "foreign_host",
        "detail": "Host: got a name that is not the lab's, expected localhost or 127.0.0.1",
    }
).encode()
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def known(environment: Mapping[str, str]) -> frozenset[str]:
    """Loopback's names, and those of FIREDRILL_HOSTNAMES (`api,gateway`): a container is asked by its name."""
    return frozenset((*LOOPBACK, *filter(None, environment.get(VARIABLE, "").lower().split(","))))


def is_known(host: str | None, names: Iterable[str]) -> bool:
    """Whether the Host header *host* (`name`, `name:port`, `[address]:port`) is one of *names*; none at all is not."""
    try:
        parts = urlsplit(f"//{host or ''}")
        _ = parts.port  # raises when it is no number
    except ValueError:
        return False
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return name is not None and parts.netloc == host and "@" not in parts.netloc and name in names


class OnlyOurs:
    """WSGI: answers 400 to requests whose Host is not in *names*, before the application sees the request."""

    def __init__(self, app: WsgiApp, names: Iterable[str]) -> None:
        self._app, self._names = app, frozenset(names)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if is_known(environ.get("HTTP_HOST"), self._names):
            return self._app(environ, start_response)
        headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(REFUSED)))]
        start_response("400 Bad Request", headers)
        return [REFUSED]
