"""/live depends on nothing; /ready asks PostgreSQL, cache and broker, over connections of its own, briefly."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps

import psycopg
import redis
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST
from redis.backoff import NoBackoff
from redis.retry import Retry

from launch.pinned import POSTGRES
from services.shop.core import prefork_metrics
from services.shop.core.config import API_PROCESSES, Config, current

TIMEOUT_S = 1.0
POSTGRES_TIMEOUT_S = 2  # libpq rounds shorter ones up
KEPT_S = 0.5  # callers that ask more often share an answer

View = Callable[[HttpRequest], HttpResponse]


def read_only(view: View) -> View:
    """*view* for GET and HEAD; other methods are answered with 405."""

    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD"}:
            return view(request)
        problem = {"type": "about:blank", "title": "Method Not Allowed", "status": 405, "code": "method_not_allowed"}
        problem |= {"detail": f"Method {request.method} is not allowed."}
        headers = {"Allow": "GET, HEAD"}
        return JsonResponse(problem, status=405, headers=headers, content_type="application/problem+json")

    return answer


@read_only
def live(_: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "live"})


@read_only
def ready(_: HttpRequest) -> JsonResponse:
    """200 when all three answer, else 503; always names the variant, the process, and how many processes there are."""
    checks = _readiness.checks()
    is_ready = all(result == "ok" for result in checks.values())
    body = {
        "status": "ready" if is_ready else "not ready",
        "variant": current().variant,
        "process": os.getpid(),
        "processes": API_PROCESSES,
        "checks": checks,
    }
    return JsonResponse(body, status=200 if is_ready else 503)


@read_only
def metrics(_: HttpRequest) -> HttpResponse:
    """All metrics of all API processes, for Prometheus."""
    return HttpResponse(prefork_metrics.exposition(), content_type=CONTENT_TYPE_LATEST)


class Readiness:
    """Asks the dependencies concurrently and keeps the answer for KEPT_S."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_s = float("-inf")
        self._last: dict[str, str] = {}

    def checks(self) -> dict[str, str]:
        """Dependency → `ok` or what went wrong."""
        with self._lock:
            if time.monotonic() - self._asked_s > KEPT_S:
                self._last = self._ask(current())
                self._asked_s = time.monotonic()
            return self._last

    @staticmethod
    def _ask(config: Config) -> dict[str, str]:
        asked: dict[str, Callable[[], None]] = {
            "postgres": lambda: _postgres(config),
            "cache": lambda: _redis(config.cache_url),
            "broker": lambda: _redis(config.broker_url),
        }
        with ThreadPoolExecutor(len(asked)) as pool:
            return dict(zip(asked, pool.map(_outcome, asked.values()), strict=True))


def _outcome(check: Callable[[], None]) -> str:
    try:
        check()
    except (psycopg.Error, redis.RedisError, OSError) as error:
        return f"{type(error).__name__}: {error}".strip()
    return "ok"


def _postgres(config: Config) -> None:
    """Log in only: it needs a working server and an existing database; a query would need a deadline of its own."""
    psycopg.connect(
        host=config.postgres_host,
        port=config.postgres_port,
        user=config.postgres_user,
        password=config.postgres_password,
        dbname=config.database_name,
        connect_timeout=POSTGRES_TIMEOUT_S,
        **POSTGRES,
    ).close()


def _redis(url: str) -> None:
    client = redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
    )
    with client:
        client.ping()


_readiness = Readiness()
