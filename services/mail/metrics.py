"""What Prometheus reads. These series explain; the mails decide."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # an unused second series for each series
OUTCOMES = ("taken", "full")


class Metrics:
    """The catcher's series, in a registry of their own, so that two catchers fit in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.mails = Counter("mail_mails_total", "Mails that were offered.", ["outcome"], registry=self.registry)
        for outcome in OUTCOMES:  # a rate over a label that appears late would miss its first step
            self.mails.labels(outcome)
        self.connections = Gauge("mail_connections", "SMTP connections that are open.", registry=self.registry)
