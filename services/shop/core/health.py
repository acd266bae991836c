"""/live depends on nothing; /ready asks each dependency, over connections of its own, with short timeouts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import redis
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.shop.core.config import Config, current

TIMEOUT_S = 1.0
POSTGRES_TIMEOUT_S = 2  # libpq rounds shorter ones up
KEPT_S = 0.5  # callers that ask more often share an answer


@require_safe
def live(_: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "live"})


@require_safe
def ready(_: HttpRequest) -> JsonResponse:
    """200 when every dependency answers, else 503; names the variant either way."""
    checks = _readiness.checks()
    is_ready = all(result == "ok" for result in checks.values())
    body = {"status": "ready" if is_ready else "not ready", "variant": current().variant, "checks": checks}
    return JsonResponse(body, status=200 if is_ready else 503)


@require_safe
def metrics(_: HttpRequest) -> HttpResponse:
    """All metrics of this process, for Prometheus."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


class Readiness:
    """Asks the dependencies side by side and keeps the answer for a moment."""

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
    """To log in takes a working server and an existing database; a query would need a deadline of its own."""
    psycopg.connect(
        host=config.postgres_host,
        port=config.postgres_port,
        user=config.postgres_user,
        password=config.postgres_password,
        dbname=config.database_name,
        connect_timeout=POSTGRES_TIMEOUT_S,
    ).close()


def _redis(url: str) -> None:
    client = redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
    )
    with client:
        client.ping()


_readiness = Readiness()
