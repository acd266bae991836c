"""Limits that are checked before a body is read."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from services.scorecard.problems import problem

MAX_BODY_BYTES = 4 * 1024 * 1024


class BodyLimitMiddleware:
    """Refuses a body that announces more bytes than any run has. (Django's own limit doesn't cover REST parsers.)"""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        text = request.META.get("CONTENT_LENGTH") or "0"
        if not (text.isascii() and text.isdigit()):
            return problem(400, f"Content-Length: got {text[:40]!r}, expected a number of bytes")
        if int(text) > MAX_BODY_BYTES:
            return problem(413, f"body: got {text} bytes, expected at most {MAX_BODY_BYTES}")
        return self._get_response(request)
