"""Metrics of the shop. They explain; verdicts come from outside witnesses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from services.hosts import OnlyOurs
from services.shop.core.config import current

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
QUERIES = (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144)
TASK_STATES = ("started", "succeeded", "failed", "retried")

REQUESTS = Counter("shop_requests_total", "Answers of the API.", ("variant", "route", "method", "status"))
PROCESS_ANSWERS = Counter(
    "shop_process_answers_total", "Answers of each API process, by process id.", ("variant", "process")
)
REQUEST_SECONDS = Histogram(
    "shop_request_seconds", "Time to answer, inside the API.", ("variant", "route", "method"), buckets=SECONDS
)
REQUEST_QUERIES = Histogram("shop_request_queries", "SQL queries of a request.", ("variant", "route"), buckets=QUERIES)
DEPENDENCY_CALLS = Counter(
    "shop_dependency_calls_total", "Calls to what the shop depends on.", ("variant", "dependency", "outcome")
)
BREAKER_STATES = {"closed": 0, "half-open": 1, "open": 2}
BREAKER_STATE = Gauge(
    "shop_breaker_state",
    "Circuit breaker of a dependency: 0 closed, 1 half open, 2 open.",
    ("variant", "dependency"),
    multiprocess_mode="livemax",
)
POOL_WAIT_SECONDS = Histogram(
    "shop_pool_wait_seconds", "Time until a request had its database connection.", ("variant",), buckets=SECONDS
)
TASKS = Counter("shop_tasks_total", "Celery tasks by state.", ("variant", "task", "state"))
OUTBOX_PENDING = Gauge("shop_outbox_pending", "Messages that the relay has yet to send.", ("variant",))


@contextmanager
def dependency_call(dependency: str) -> Iterator[None]:
    """Count the block as one call to *dependency*: `ok`, or `error` when it raises."""
    outcome = "error"
    try:
        yield
        outcome = "ok"
    finally:
        DEPENDENCY_CALLS.labels(current().variant, dependency, outcome).inc()


@contextmanager
def pool_wait() -> Iterator[None]:
    """Time the block as a wait for a pooled database connection."""
    with POOL_WAIT_SECONDS.labels(current().variant).time():
        yield


def dependency_refused(dependency: str) -> None:
    """Count a call that was not made: a bulkhead was full or a breaker open."""
    DEPENDENCY_CALLS.labels(current().variant, dependency, "refused").inc()


def show_breaker(dependency: str, state: str) -> None:
    """Show *state*, one of `BREAKER_STATES`."""
    BREAKER_STATE.labels(current().variant, dependency).set(BREAKER_STATES[state])


def serve_metrics(port: int, *, host: str, registry: CollectorRegistry = REGISTRY) -> None:
    """Serve *registry* on *host*:*port* from a daemon thread. Raises: OSError when the port is taken."""
    server, _ = start_http_server(port, addr=host, registry=registry)
    app = server.get_app()
    assert app is not None
    server.set_app(OnlyOurs(app, current().hostnames))
