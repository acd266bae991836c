"""Live Prometheus series of the load, made from the running figures at each scrape.

Counting costs each operation only a list index per figure; labels, cumulative buckets and text are made here, once a
second. Making them delays the arrivals, so the samples are made in small portions, with the scheduler running between.

Only main operations count in `load_scheduled_total` to `load_service_seconds`, so that offered and served rates
can be compared; polls and second clicks have `load_follow_ups_total`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

import gevent
from gevent.pywsgi import WSGIServer
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from chaos.model.quantiles import LATENCY_BOUNDS_S
from loadtests.tally import LAG_BOUNDS_S, OUTCOMES, Buckets, Cell, Figures, Shape

PORTION = 40
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

Labels = dict[str, str]


class LoadCollector(Collector):
    """The series of one run.

    Args:
        figures: Returns the current figures of all workers.
        pause: Called between two portions of samples.
    """

    def __init__(
        self, *, variant: str, shape: Shape, figures: Callable[[], Figures], pause: Callable[[], None]
    ) -> None:
        self._variant = variant
        self._figures = figures
        self._pause = pause
        self._labels = [[{"phase": phase, "op": op, "variant": variant} for op in shape.ops] for phase in shape.phases]
        self._follow_up_labels = [
            [{"phase": phase, "op": op, "variant": variant} for op in shape.follow_ups] for phase in shape.phases
        ]

    def _each(self, figures: Figures) -> Iterator[tuple[Labels, Cell]]:
        for labels, cells in zip(self._labels, figures.cells, strict=True):
            yield from zip(labels, cells, strict=True)

    def collect(self) -> Iterable[Metric]:
        figures = self._figures()
        cells = list(self._each(figures))
        yield self._counter("load_scheduled", "Arrivals whose time has come", [(n, c.scheduled) for n, c in cells])
        yield self._counter("load_sent", "Main operations sent", [(n, c.sent) for n, c in cells])
        yield self._counter("load_dropped", "Arrivals beyond the in-flight cap", [(n, c.dropped) for n, c in cells])
        yield self._counter(
            "load_ended",
            "Main operations that ended, by outcome",
            [({**n, "outcome": outcome}, c.ended[outcome]) for n, c in cells for outcome in OUTCOMES],
        )
        yield self._counter(
            "load_follow_ups",
            "Polls and second clicks that ended, by outcome",
            [
                ({**labels, "outcome": outcome}, counts[outcome])
                for label_row, row in zip(self._follow_up_labels, figures.follow_ups, strict=True)
                for labels, counts in zip(label_row, row, strict=True)
                for outcome in OUTCOMES
            ],
        )
        in_flight = Metric("load_in_flight", "Exchanges waiting for an answer", "gauge")
        in_flight.add_sample("load_in_flight", {"variant": self._variant}, figures.in_flight)
        yield in_flight
        yield self._histogram(
            "load_send_lag_seconds", "From intended to sent", LAG_BOUNDS_S, [(n, c.lag) for n, c in cells]
        )
        yield self._histogram(
            "load_latency_seconds",
            "From intended start to the promised answer, main operations; without one: beyond every bound",
            LATENCY_BOUNDS_S,
            [(n, c.latency) for n, c in cells],
        )
        yield self._histogram(
            "load_service_seconds",
            "From sent to end, main operations",
            LATENCY_BOUNDS_S,
            [(n, c.service) for n, c in cells],
        )

    def _portioned(self, samples: Iterator[Sample]) -> Iterator[Sample]:
        for number, sample in enumerate(samples, start=1):
            yield sample
            if number % PORTION == 0:
                self._pause()

    def _metric(self, name: str, text: str, kind: str, samples: Iterator[Sample]) -> Metric:
        metric = Metric(name, text, kind)
        metric.samples = self._portioned(samples)  # type: ignore[assignment]  # read once, by the text writer
        return metric

    def _counter(self, name: str, text: str, values: Sequence[tuple[Labels, int]]) -> Metric:
        return self._metric(name, text, "counter", (Sample(f"{name}_total", labels, value) for labels, value in values))

    def _histogram(
        self, name: str, text: str, bounds: Sequence[float], cells: Sequence[tuple[Labels, Buckets]]
    ) -> Metric:
        edges = [*(str(bound) for bound in bounds), "+Inf"]

        def samples() -> Iterator[Sample]:
            for labels, buckets in cells:
                for edge, below in zip(edges, accumulate(buckets.counts), strict=True):
                    yield Sample(f"{name}_bucket", {**labels, "le": edge}, below)
                yield Sample(f"{name}_count", labels, sum(buckets.counts))
                yield Sample(f"{name}_sum", labels, buckets.sum_s)

        return self._metric(name, text, "histogram", samples())


def serve(port: int, collector: Collector, *, host: str = "127.0.0.1", hostnames: Collection[str] = LOOPBACK) -> Any:
    """Serve /metrics on *host*; the server's `stop()` ends it. Raises: OSError when the port is taken.

    Args:
        hostnames: Accepted names of the Host header; a foreign page may send others (DNS rebinding).
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    app: Callable[..., Iterable[bytes]] = make_wsgi_app(registry)

    def door(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        name, _, port = str(environ.get("HTTP_HOST", "")).rpartition(":")
        if (name if port.isdigit() else environ.get("HTTP_HOST")) in hostnames:
            return app(environ, start_response)
        start_response("400 Bad Request", [("Content-Type", "text/plain")])
        return [b"Host: got a name that is not the lab's\n"]

    server = WSGIServer((host, port), door, log=None, error_log=None)
    server.start()
    return server


def let_others_run() -> None:
    """Let other greenlets run, such as the scheduler."""
    gevent.sleep(0)
