"""Error answers as problem+json. Source: RFC 9457."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from starlette.responses import Response


def problem(status: int, code: str, detail: str, instance: str) -> Response:
    """An error answer. *code* is the stable word for programs, *detail* the sentence for people."""
    try:
        title = HTTPStatus(status).phrase
    except ValueError:  # 499 and the like
        title = f"Status {status}"
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": instance,
    }
    headers = {"Retry-After": "1"} if status in {429, 503} else None
    return Response(msgspec.json.encode(body), status, headers, media_type="application/problem+json")
