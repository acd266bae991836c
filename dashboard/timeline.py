"""The lines of a run's timeline, from Prometheus or from the run's own history."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from chaos.evidence.figures import HistoryFigures
from chaos.evidence.growing import Run
from chaos.evidence.limits import Curve, curves_of
from chaos.model.evidence import QueueSample
from chaos.model.quantiles import LATENCY_BOUNDS_S
from dashboard import queries
from dashboard.prometheus import Prometheus

PANELS = ("rate", "latency", "backlog")
MOST_POINTS = 300
TAIL_S = 30.0
"""How long after the planned load the timeline goes on: settling is part of the story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One series. Times are seconds since the load's start; a value is None where there is no data.

    Attributes:
        panel: One of `PANELS`. Rates are per second, latencies in seconds, the backlog in counts.
    """

    name: str
    panel: str
    times_s: tuple[float, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All lines of a run.

    Attributes:
        source: `Prometheus` or `operation history`, for the caption.
        unanswered_s: Seconds whose p95 is an operation without a promised answer: there is nothing to draw.
    """

    source: str
    lines: tuple[Line, ...]
    unanswered_s: tuple[float, ...] = ()

    @property
    def empty(self) -> bool:
        return not any(value is not None for line in self.lines for value in line.values)


def from_prometheus(prometheus: Prometheus, run: Run, *, now_unix_s: float) -> Timeline:
    """Raises: SourceAway. A run without a load yet has an empty timeline."""
    if run.t0_unix_s is None:
        return Timeline(source="Prometheus", lines=())
    t0 = run.t0_unix_s
    end_s = min(now_unix_s - t0, max(run.last_s, (run.load_end_s or run.last_s)) + (TAIL_S if run.verdict == "" else 0))
    # Whole seconds only: the same step grid on each tick, so that lines grow instead of trembling.
    step_s = max(1, round(end_s / MOST_POINTS))
    start, end = float(int(t0)), t0 + max(end_s, 1.0)
    drawn = queries.timeline(run.variant, curves_of(run.limits))
    wanted = [(panel, query) for panel, panel_queries in drawn.items() for query in panel_queries]

    def ask(query: queries.Query) -> Line | None:
        found = prometheus.range(query.promql, start_unix_s=start, end_unix_s=end, step_s=step_s)
        if not found:
            return None
        times = tuple(round(at - t0, 2) for at in found[0].times_unix_s)
        values = tuple(_answered(value) if query.client else value for value in found[0].values)
        return Line(name=query.name, panel="", times_s=times, values=values)

    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = list(pool.map(lambda pair: ask(pair[1]), wanted))
    lines = [
        Line(name=line.name, panel=panel, times_s=line.times_s, values=line.values)
        for (panel, _), line in zip(wanted, answers, strict=True)
        if line is not None
    ]
    return Timeline(source="Prometheus", lines=tuple(lines))


def _answered(value_s: float | None) -> float | None:
    """None for a quantile in the last bucket, where operations without a promised answer are."""
    return None if value_s is None or value_s >= LATENCY_BOUNDS_S[-1] else value_s


def from_history(
    figures: HistoryFigures,
    curves: Sequence[Curve] = (),
    *,
    queue: Sequence[QueueSample] = (),
    until_s: float = math.inf,
) -> Timeline:
    """What the client saw second by second, each where it was wanted, and the broker's queues.

    Args:
        curves: What is drawn beside the p50 and p95 of all operations: what has a limit.
        until_s: Where the record ends. A second that isn't over is left out: half its count would look like a slump.
    """
    seconds = figures.all.seconds(until_s)
    ats = tuple(float(second.at_s) for second in seconds)

    def line(name: str, panel: str, values: Iterable[float | None]) -> Line:
        return Line(name=name, panel=panel, times_s=ats, values=tuple(values))

    def quantile(curve: Curve) -> Line:
        known = dict(figures.timelines.of(curve.op).quantiles_ms(curve.quantile, until_s))
        return line(curve.name, "latency", (_seconds(known.get(second.at_s)) for second in seconds))

    lines = [
        line("offered", "rate", (second.offered for second in seconds)),
        line("served", "rate", (second.served for second in seconds)),
        line("errors", "rate", (second.errors for second in seconds)),
        line("p50", "latency", (_seconds(second.p50_ms) for second in seconds)),
        line("p95", "latency", (_seconds(second.p95_ms) for second in seconds)),
        *map(quantile, curves),
    ]
    shown = [sample for sample in queue if 0 <= sample.at_s <= until_s]
    if shown:
        times = tuple(sample.at_s for sample in shown)
        for name, values in (
            (queries.queued().name, tuple(float(sample.queued) for sample in shown)),
            (queries.unacked().name, tuple(float(sample.unacked) for sample in shown)),
        ):
            lines.append(Line(name=name, panel="backlog", times_s=times, values=values))
    unanswered = tuple(float(second.at_s) for second in seconds if second.offered and second.p95_ms is None)
    return Timeline(source="operation history", lines=tuple(lines), unanswered_s=unanswered)


def _seconds(value_ms: float | None) -> float | None:
    return None if value_ms is None else value_ms / 1000
