"""Every PromQL query of the dashboard. Each is tested against a live Prometheus with known samples.

Prometheus scrapes once a second, so a window of five seconds holds five samples. Quantiles are in seconds, rates per
second. `or 0 * …` keeps a series that has no errors: without it an error-free variant would vanish from a ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chaos.evidence.limits import Curve

WINDOW = "5s"
PROBE_ROUTES = "/?(live|ready|metrics)/?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query with what its result means.

    Attributes:
        name: As the legend shows it.
        unit: `per_s`, `s`, `count` or `ratio`.
        by: Label that tells the result's series apart; empty when there is at most one series.
        client: A quantile of the load, whose last bucket holds the operations without a promised answer.
    """

    name: str
    promql: str
    unit: str
    by: str = ""
    client: bool = False


def label(value: str) -> str:
    """A label value inside double quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def offered(variant: str) -> Query:
    """Arrivals that the schedule wanted, whether sent or not."""
    return Query(
        name="offered", unit="per_s", promql=f'sum(rate(load_scheduled_total{{variant="{label(variant)}"}}[{WINDOW}]))'
    )


def _ended(variant: str, outcomes: str) -> str:
    return f'sum(rate(load_ended_total{{variant="{label(variant)}",outcome=~"{outcomes}"}}[{WINDOW}]))'


def _dropped(variant: str) -> str:
    return f'sum(rate(load_dropped_total{{variant="{label(variant)}"}}[{WINDOW}]))'


def served(variant: str) -> Query:
    """Operations that got the answer that the contract promises: 2xx or a documented refusal."""
    return Query(name="served", unit="per_s", promql=_ended(variant, "ok|refused"))


def errors(variant: str) -> Query:
    """Operations that failed, whose outcome is unknown, or that could not be sent."""
    bad = _ended(variant, "fail|info")
    return Query(name="errors", unit="per_s", promql=f"({bad}) + ({_dropped(variant)} or 0 * {bad})")


def error_ratio(variant: str) -> Query:
    """Errors as a share of what ended; no data while nothing ends."""
    every = f"({_ended(variant, 'ok|refused|fail|info')} + ({_dropped(variant)} or vector(0)))"
    bad = f"({errors(variant).promql}) or 0 * {every}"
    return Query(name="error ratio", unit="ratio", promql=f"({bad}) / ({every} > 0)")


def client_quantile(variant: str, curve: Curve) -> Query:
    """From the intended start to the promised answer: an outage can't hide in it, nor a fast error."""
    of_op = f',op="{label(curve.op)}"' if curve.op else ""
    rate = f'sum by (le) (rate(load_latency_seconds_bucket{{variant="{label(variant)}"{of_op}}}[{WINDOW}]))'
    promql = f"histogram_quantile({curve.quantile:g}, {rate})"
    return Query(name=curve.name, unit="s", promql=promql, client=True)


def client_latency_bounds(variant: str) -> Query:
    """Upper bounds of the latency buckets, as the label `le`: a quantile at the largest finite one is a lower bound."""
    selector = f'load_latency_seconds_bucket{{variant="{label(variant)}"}}'
    return Query(name="bounds", unit="s", by="le", promql=f"group by (le) ({selector})")


def api_quantile(variant: str, quantile: float) -> Query:
    """Time inside the API, without health checks and scrapes."""
    selector = f'variant="{label(variant)}",route!~"{PROBE_ROUTES}"'
    rate = f"sum by (le) (rate(shop_request_seconds_bucket{{{selector}}}[{WINDOW}]))"
    return Query(name=f"API p{quantile * 100:g}", unit="s", promql=f"histogram_quantile({quantile:g}, {rate})")


def api_failures(variant: str) -> Query:
    """Answers of the API with status 5xx per second; 0, not absent, while there are none."""
    selector = f'variant="{label(variant)}",route!~"{PROBE_ROUTES}"'
    failed = f'sum(rate(shop_requests_total{{{selector},status=~"5.."}}[{WINDOW}]))'
    every = f"sum(rate(shop_requests_total{{{selector}}}[{WINDOW}]))"
    return Query(name="API 5xx", unit="per_s", promql=f"{failed} or 0 * {every}")


def queued() -> Query:
    """Messages waiting in the broker, over all queues; read past the proxies by the agent."""
    return Query(name="tasks waiting", unit="count", promql="sum(lab_queue_depth)")


def unacked() -> Query:
    """Messages that a worker holds without having acknowledged them."""
    return Query(name="tasks in hand", unit="count", promql="sum(lab_unacked)")


def gateway_in_flight() -> Query:
    return Query(name="calls at the gateway", unit="count", promql="sum(gateway_in_flight)")


def charges() -> Query:
    """Charges that the gateway has captured since it started: the difference of two moments is what came between."""
    return Query(name="charges", unit="count", promql="sum(gateway_charges_total)")


def outbox_pending(variant: str) -> Query:
    """Outbox rows not yet sent; a variant without a relay has no such series."""
    return Query(name="unsent messages", unit="count", promql=f'sum(shop_outbox_pending{{variant="{label(variant)}"}})')


def proxies_enabled() -> Query:
    """1 for a proxy that is open, 0 for one that is cut."""
    return Query(name="enabled", unit="count", by="proxy", promql="max by (proxy) (lab_proxy_enabled)")


def proxy_toxics() -> Query:
    return Query(name="toxics", unit="count", by="proxy", promql="max by (proxy) (lab_proxy_toxics)")


def breakers(variant: str) -> Query:
    """Circuit breakers: 0 closed, 1 half open, 2 open. A variant without breakers has no such series."""
    promql = f'max by (dependency) (shop_breaker_state{{variant="{label(variant)}"}})'
    return Query(name="breaker", unit="count", by="dependency", promql=promql)


def pool_wait(variant: str) -> Query:
    """How long a request waits for its database connection: p95; no data while nobody asks for one."""
    rate = f'sum by (le) (rate(shop_pool_wait_seconds_bucket{{variant="{label(variant)}"}}[{WINDOW}]))'
    return Query(name="pool wait p95", unit="s", promql=f"histogram_quantile(0.95, {rate})")


def dependency_errors(variant: str) -> Query:
    """Failed calls per second to each dependency, as the API and the worker count them."""
    selector = f'variant="{label(variant)}",outcome!="ok"'
    promql = f"sum by (dependency) (rate(shop_dependency_calls_total{{{selector}}}[{WINDOW}]))"
    return Query(name="dependency errors", unit="per_s", by="dependency", promql=promql)


def queue_depths() -> Query:
    return Query(name="queue depth", unit="count", by="queue", promql="max by (queue) (lab_queue_depth)")


def timeline(variant: str, curves: Sequence[Curve] = ()) -> dict[str, list[Query]]:
    """What the live timeline draws, by panel from top to bottom; *curves*: what has a limit of its own."""
    client = [client_quantile(variant, curve) for curve in (Curve(quantile=0.5), Curve(), *curves)]
    return {
        "rate": [offered(variant), served(variant), errors(variant), api_failures(variant)],
        "latency": [*client, api_quantile(variant, 0.95)],
        "backlog": [queued(), unacked(), gateway_in_flight(), outbox_pending(variant)],
    }


def every(variant: str) -> list[Query]:
    """All queries, for the test that none is forgotten."""
    drawn = [query for panel in timeline(variant).values() for query in panel]
    return [
        *drawn,
        charges(),
        error_ratio(variant),
        client_latency_bounds(variant),
        proxies_enabled(),
        proxy_toxics(),
        queue_depths(),
        breakers(variant),
        pool_wait(variant),
        dependency_errors(variant),
    ]
