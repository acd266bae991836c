"""Every query against a real Prometheus that holds known samples.

Each scrape hands out the samples of one second with their own timestamps, so that what is stored is exact, however
late a scrape comes, and thirty seconds of story take three.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chaos.evidence.limits import Curve
from dashboard import queries
from dashboard.prometheus import Prometheus

pytestmark = pytest.mark.stack

SECONDS = 30
BOUNDS = ("0.1", "0.5", "1.0", "+Inf")


def exposition(t0_unix_s: float, second: int) -> str:
    """Second *second* of the story; after the last one the story stands still.

    `hardened`: 20/s offered, 15/s ok, 4/s refused, from second 10 on 1/s unknown instead of ok; 2/s dropped from
    second 20 on. 90 % end within 0.1 s, 10 % between 0.5 and 1 s. `fine` has no error at all. `slow` ends everything
    beyond the last bucket. `idle` has all its series and no operation.
    """
    second = min(second, SECONDS)
    at_ms = int((t0_unix_s + second) * 1000)
    lines: list[str] = []

    def put(name: str, value: float, **labels: str) -> None:
        inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
        lines.append(f"{name}{{{inside}}} {value:g} {at_ms}")

    def load(
        variant: str, *, scheduled: float, ended: dict[str, float], dropped: float, buckets: tuple[float, ...]
    ) -> None:
        common = {"phase": "spike", "op": "buy", "variant": variant}
        put("load_scheduled_total", scheduled, **common)
        put("load_dropped_total", dropped, **common)
        for outcome in ("ok", "refused", "fail", "info"):
            put("load_ended_total", ended.get(outcome, 0), outcome=outcome, **common)
        for bound, count in zip(BOUNDS, buckets, strict=True):
            put("load_latency_seconds_bucket", count, le=bound, **common)

    late = max(0, second - 10)
    load(
        "hardened", scheduled=20 * second, ended={"ok": 15 * second - late, "refused": 4 * second, "info": late},
        dropped=2 * max(0, second - 20), buckets=(18 * second, 18 * second, 20 * second, 20 * second),
    )  # fmt: skip
    load("fine", scheduled=5 * second, ended={"ok": 5 * second}, dropped=0, buckets=(5 * second,) * 4)
    load("slow", scheduled=5 * second, ended={"ok": 5 * second}, dropped=0, buckets=(0, 0, 0, 5 * second))
    load("idle", scheduled=0, ended={}, dropped=0, buckets=(0, 0, 0, 0))
    for variant, failed in (("hardened", 2), ("fine", 0)):
        for bound, count in zip(BOUNDS, (0, 10 * second, 10 * second, 10 * second), strict=True):
            route = {"variant": variant, "route": "/api/orders/", "method": "POST"}
            put("shop_request_seconds_bucket", count, le=bound, **route)
            put("shop_request_seconds_bucket", 1000 * second, le=bound, **{**route, "route": "/metrics"})
        put("shop_requests_total", 10 * second, variant=variant, route="/api/orders/", method="POST", status="202")
        if failed:
            put(
                "shop_requests_total",
                failed * second,
                variant=variant,
                route="/api/orders/",
                method="POST",
                status="503",
            )
        put("shop_requests_total", 50 * second, variant=variant, route="/ready", method="GET", status="503")
    put("shop_outbox_pending", 6, variant="hardened")
    for dependency, state in (("gateway", 2), ("cache", 0)):
        put("shop_breaker_state", state, variant="hardened", dependency=dependency)
    for outcome, per_s in (("ok", 8), ("error", 2), ("refused", 1)):
        put("shop_dependency_calls_total", per_s * second, variant="hardened", dependency="gateway", outcome=outcome)
    for bound, count in zip(BOUNDS, (0, 10 * second, 10 * second, 10 * second), strict=True):
        put("shop_pool_wait_seconds_bucket", count, le=bound, variant="hardened")
    put("gateway_in_flight", 4)
    put("gateway_charges_total", 3 * second)
    put("lab_unacked", 2)
    for queue, depth in (("celery", 7), ("mail", 5)):
        put("lab_queue_depth", depth, queue=queue)
    for proxy, enabled, toxics in (("shop_to_gateway", 1, 2), ("shop_to_postgres", 0, 0)):
        put("lab_proxy_enabled", enabled, proxy=proxy)
        put("lab_proxy_toxics", toxics, proxy=proxy)
    return "\n".join(sorted(lines)) + "\n"


@dataclass
class Story:
    """The stored story: ask for a query's value at a second of it."""

    client: Prometheus
    t0_unix_s: float

    def value(self, query: queries.Query, second: float) -> float | None:
        return self.client.value(query.promql, at_unix_s=self.t0_unix_s + second)

    def by(self, query: queries.Query, second: float) -> dict[str, float | None]:
        found = self.client.instant(query.promql, at_unix_s=self.t0_unix_s + second)
        return {sample.labels[query.by]: sample.value for sample in found}


@pytest.fixture(scope="module")
def story(samples: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    binary = samples.prometheus_binary()
    if binary is None:
        sentence = "no Prometheus found: FIREDRILL_PROMETHEUS, PATH and .lab/prometheus have none"
        if samples.required("prometheus"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    t0 = float(int(time.time()) - 2 * SECONDS)
    folder = tmp_path_factory.mktemp("prometheus")
    with (
        samples.exposing(lambda scrape: exposition(t0, scrape)) as target,
        samples.prometheus(binary, folder, target, interval="250ms") as url,
    ):
        told = Story(Prometheus(url), t0)
        last = f"timestamp(lab_unacked) >= {t0 + SECONDS}"
        samples.wait_for(lambda: told.client.value(last) is not None, what="the whole story to be scraped")
        yield told


def test_rates_of_the_load(story: Story) -> None:
    assert story.value(queries.offered("hardened"), 9) == pytest.approx(20)
    assert story.value(queries.served("hardened"), 9) == pytest.approx(19)
    assert story.value(queries.served("hardened"), 19) == pytest.approx(18)


def test_errors_count_the_unknown_and_the_dropped(story: Story) -> None:
    assert story.value(queries.errors("hardened"), 9) == 0
    assert story.value(queries.errors("hardened"), 19) == pytest.approx(1)
    assert story.value(queries.errors("hardened"), 29) == pytest.approx(3)


def test_the_error_ratio_does_not_vanish_without_errors(story: Story) -> None:
    assert story.value(queries.error_ratio("fine"), 19) == 0
    assert story.value(queries.error_ratio("hardened"), 19) == pytest.approx(1 / 19)
    assert story.value(queries.error_ratio("hardened"), 29) == pytest.approx(3 / 21)


def test_nothing_ended_is_no_ratio_and_no_quantile(story: Story) -> None:
    assert story.value(queries.offered("idle"), 19) == 0
    assert story.value(queries.error_ratio("idle"), 19) is None
    assert story.value(queries.client_quantile("idle", Curve()), 19) is None


def test_quantiles_lie_in_their_bucket(story: Story) -> None:
    assert story.value(queries.client_quantile("hardened", Curve(quantile=0.5)), 19) == pytest.approx(0.1 * 10 / 18)
    assert story.value(queries.client_quantile("hardened", Curve()), 19) == pytest.approx(0.75)


def test_a_quantile_of_one_operation(story: Story) -> None:
    assert story.value(queries.client_quantile("hardened", Curve("buy")), 19) == pytest.approx(0.75)
    assert story.value(queries.client_quantile("hardened", Curve("browse")), 19) is None


def test_a_quantile_beyond_the_last_bucket_is_its_bound(story: Story) -> None:
    """There are the operations without a promised answer, so the page says that."""
    bounds = story.by(queries.client_latency_bounds("slow"), 19)
    assert {float(bound) for bound in bounds} == {0.1, 0.5, 1.0, float("inf")}
    assert story.value(queries.client_quantile("slow", Curve()), 19) == 1.0


def test_the_api_is_seen_without_health_checks_and_scrapes(story: Story) -> None:
    assert story.value(queries.api_quantile("hardened", 0.95), 19) == pytest.approx(0.1 + 0.4 * 0.95)
    assert story.value(queries.api_failures("hardened"), 19) == pytest.approx(2)
    assert story.value(queries.api_failures("fine"), 19) == 0


def test_backlog(story: Story) -> None:
    assert story.value(queries.queued(), 19) == 12
    assert story.by(queries.queue_depths(), 19) == {"celery": 7, "mail": 5}
    assert story.value(queries.unacked(), 19) == 2
    assert story.value(queries.gateway_in_flight(), 19) == 4
    charged = [story.value(queries.charges(), at) for at in (9, 19)]
    assert charged[1] - charged[0] == 30  # type: ignore[operator]
    assert story.value(queries.outbox_pending("hardened"), 19) == 6
    assert story.value(queries.outbox_pending("fine"), 19) is None


def test_breakers_pool_and_failing_calls(story: Story) -> None:
    assert story.by(queries.breakers("hardened"), 19) == {"gateway": 2, "cache": 0}
    assert story.by(queries.breakers("fine"), 19) == {}
    assert story.by(queries.dependency_errors("hardened"), 19) == {"gateway": pytest.approx(3)}
    assert story.value(queries.pool_wait("hardened"), 19) == pytest.approx(0.1 + 0.4 * 0.95)
    assert story.value(queries.pool_wait("fine"), 19) is None


def test_proxies(story: Story) -> None:
    assert story.by(queries.proxies_enabled(), 19) == {"shop_to_gateway": 1, "shop_to_postgres": 0}
    assert story.by(queries.proxy_toxics(), 19) == {"shop_to_gateway": 2, "shop_to_postgres": 0}


@pytest.mark.parametrize("variant", ["hardened", "unknown", 'a"b\\c'])
def test_every_query_is_understood_whatever_the_variant(story: Story, variant: str) -> None:
    for query in queries.every(variant):
        found = story.client.instant(query.promql, at_unix_s=story.t0_unix_s + 19)
        assert len(found) <= 1 or query.by, query.name


def test_no_query_of_the_module_is_forgotten() -> None:
    """`every` has one of each function that makes a query."""
    makers = [
        name
        for name, made in vars(queries).items()
        if callable(made) and getattr(made, "__annotations__", {}).get("return") == "Query"
    ]
    asked = {query.promql for query in queries.every("naive")}
    assert len(asked) == len(makers) + 1, "a quantile is asked twice, every other maker once"


def test_a_range_is_drawn_second_by_second(story: Story) -> None:
    start = story.t0_unix_s + 12
    series = story.client.range(queries.errors("hardened").promql, start_unix_s=start, end_unix_s=start + 3, step_s=1)
    assert [at - start for at in series[0].times_unix_s] == [0, 1, 2, 3]
    assert all(value is not None for value in series[0].values)
