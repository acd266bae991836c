"""What granian serves."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

from services.hosts import OnlyOurs
from services.orphans import end_with_parent
from services.shop.core.config import current

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_REFUSED = json.dumps(
    {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "The header Content-Type can't be read.",
        "code": "bad_request",
    }
).encode()


def refusing_unreadable(serve: Application) -> Application:
    """*serve*; requests on which Django would fail before any middleware or view are answered with 400."""

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if _is_readable(str(environ.get("CONTENT_TYPE", ""))):
            return serve(environ, start_response)
        length = ("Content-Length", str(len(_REFUSED)))
        start_response("400 Bad Request", [("Content-Type", "application/problem+json"), length])
        return [_REFUSED]

    return application


def _is_readable(content_type: str) -> bool:
    """Whether its charset is UTF-8, as JSON is, or absent: Django would decode the query with it, too, or fail."""
    try:
        _, parameters = parse_header_parameters(content_type)
        charset = parameters.get("charset", "")
        return not charset or codecs.lookup(charset).name in {"utf-8", "ascii"}
    except (LookupError, ValueError):
        return False


end_with_parent()
# Around everything, whatever the variant's settings say: Django checks the Host header only where it needs it.
application = OnlyOurs(refusing_unreadable(get_wsgi_application()), current().hostnames)
