"""What Prometheus reads. These series explain; the ledger decides."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # an unused second series for each series
OUTCOMES = ("captured", "replayed", "key_reused", "invalid", "fault_status", "dropped", "gone", "stale", "failed")
_BUCKETS_S = (0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The gateway's series, in a registry of their own, so that two gateways fit in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.calls = Counter(
            "gateway_calls_total", "Calls for a charge that ended.", ["outcome"], registry=self.registry
        )
        for outcome in OUTCOMES:  # a rate over a label that appears late would miss its first step
            self.calls.labels(outcome)
        self.charges = Counter(
            "gateway_charges_total", "Charges captured, whatever became of the answer.", registry=self.registry
        )
        self.in_flight = Gauge("gateway_in_flight", "Calls for a charge in progress.", registry=self.registry)
        self.call_seconds = Histogram(
            "gateway_call_seconds",
            "Seconds from a call's arrival to its end.",
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
