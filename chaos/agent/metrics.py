"""What the agent exports: the broker's queues and the proxies, seen past the proxies. Read when scraped."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from chaos.adapters.redis import RedisWitness
from chaos.adapters.toxiproxy import ToxiproxyAdapter
from chaos.errors import FiredrillError


class LabCollector(Collector):
    """A part that does not answer has no sample: no data is not zero."""

    def __init__(self, *, redis: RedisWitness, toxiproxy: ToxiproxyAdapter, run_id: Callable[[], str | None]) -> None:
        self._redis, self._toxiproxy, self._run_id = redis, toxiproxy, run_id

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Two questions to Redis, one to Toxiproxy."""
        depth = GaugeMetricFamily("lab_queue_depth", "Messages waiting in the broker's queues.", labels=["queue"])
        unacked = GaugeMetricFamily("lab_unacked", "Messages delivered to a worker and not acknowledged.")
        try:
            queued, outstanding = self._redis.broker_depth()
            depth.add_metric(["all"], queued)
            unacked.add_metric([], outstanding)
        except FiredrillError:
            pass
        yield depth
        yield unacked
        enabled = GaugeMetricFamily("lab_proxy_enabled", "1 when the proxy accepts connections.", labels=["proxy"])
        toxics = GaugeMetricFamily("lab_proxy_toxics", "Toxics on the proxy.", labels=["proxy"])
        try:
            for name, state in self._toxiproxy.proxies().items():
                enabled.add_metric([name], float(state.enabled))
                toxics.add_metric([name], len(state.toxics))
        except FiredrillError:
            pass
        yield enabled
        yield toxics
        active = GaugeMetricFamily("lab_run_active", "1 while a run holds the lease.", labels=["run_id"])
        if run_id := self._run_id():
            active.add_metric([run_id], 1.0)
        yield active
