"""One middleware around every request: metrics, the request's id, and a line in the log."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from services.shop.core.config import current
from services.shop.core.metrics import DEPENDENCY_CALLS, PROCESS_ANSWERS, REQUEST_QUERIES, REQUEST_SECONDS, REQUESTS
from services.shop.core.tags import acting_for

Answer = Callable[[HttpRequest], HttpResponseBase]
REQUEST_ID_HEADER = "X-Request-Id"
MAX_REQUEST_ID = 128
UNLOGGED = ("/live", "/ready", "/metrics")  # asked every second by the lab itself
access = logging.getLogger("shop.access")


class QueryCounter:
    """Counts the SQL queries of one request."""

    def __init__(self) -> None:
        self.queries = 0
        self.failed = 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        self.queries += 1
        try:
            return execute(sql, params, many, context)
        except Exception:
            self.failed += 1
            raise


class RequestMiddleware:
    """Measures and logs what the shop answers, and hands the caller's X-Request-Id back."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response
        self._variant = current().variant

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        counter = QueryCounter()
        started = time.perf_counter()
        request_id = request.headers.get(REQUEST_ID_HEADER, "")
        known = 0 < len(request_id) <= MAX_REQUEST_ID and request_id.isprintable()
        request_id = request_id if known else ""
        tags = {"request": request_id}
        with connection.execute_wrapper(counter), acting_for(request_id, lambda: {**tags, "route": _route(request)}):
            response = self._get_response(request)
            took_s = time.perf_counter() - started
            if request.path not in UNLOGGED:
                access.info("%s %s %d %.1f ms", request.method, _route(request), response.status_code, took_s * 1000)
        # The template, not the path: each id in a path would make a series of its own.
        route = _route(request) or "unknown"
        method = request.method if request.method in {"GET", "POST", "PUT", "PATCH", "DELETE"} else "OTHER"
        REQUESTS.labels(self._variant, route, method, str(response.status_code)).inc()
        if request.path not in UNLOGGED:
            PROCESS_ANSWERS.labels(self._variant, str(os.getpid())).inc()
        REQUEST_SECONDS.labels(self._variant, route, method).observe(took_s)
        REQUEST_QUERIES.labels(self._variant, route).observe(counter.queries)
        if succeeded := counter.queries - counter.failed:
            DEPENDENCY_CALLS.labels(self._variant, "postgres", "ok").inc(succeeded)
        if counter.failed:
            DEPENDENCY_CALLS.labels(self._variant, "postgres", "error").inc(counter.failed)
        if request_id:
            response[REQUEST_ID_HEADER] = request_id
        if isinstance(response, HttpResponse) and "Content-Length" not in response:
            response["Content-Length"] = str(len(response.content))  # else the server answers in chunks
        return response


def _route(request: HttpRequest) -> str:
    """The URL pattern behind the request; empty while it is not resolved, or when there is none."""
    match = request.resolver_match
    return f"/{match.route}" if match is not None else ""
