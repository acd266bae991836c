"""What Prometheus reads. One worker process serves all requests, so the default registry has all of them."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from prometheus_client import CONTENT_TYPE_LATEST, Counter, disable_created_metrics, generate_latest

disable_created_metrics()  # type: ignore[no-untyped-call]  # an unused second series for each series
REQUESTS = Counter("scorecard_requests_total", "Requests answered.", ["route", "method", "status"])
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


class MetricsMiddleware:
    """Counts every answer by its route's template: by path, each drill and run would be a series of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        match = request.resolver_match
        route = f"/{match.route}" if match is not None else "unmatched"
        method = request.method if request.method in _METHODS else "other"
        REQUESTS.labels(route, method, str(response.status_code)).inc()
        return response


def metrics(_: HttpRequest) -> HttpResponse:
    """The exposition."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
