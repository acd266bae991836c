"""The lines of a run's timeline, from Prometheus or from the run's own history."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dashboard import queries
from dashboard.evidence import Run, Second
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
    """

    source: str
    lines: tuple[Line, ...]

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
    wanted = [
        (panel, query) for panel, panel_queries in queries.timeline(run.variant).items() for query in panel_queries
    ]

    def ask(query: queries.Query) -> Line | None:
        found = prometheus.range(query.promql, start_unix_s=start, end_unix_s=end, step_s=step_s)
        if not found:
            return None
        times = tuple(round(at - t0, 2) for at in found[0].times_unix_s)
        return Line(name=query.name, panel="", times_s=times, values=tuple(found[0].values))

    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = list(pool.map(lambda pair: ask(pair[1]), wanted))
    lines = [
        Line(name=line.name, panel=panel, times_s=line.times_s, values=line.values)
        for (panel, _), line in zip(wanted, answers, strict=True)
        if line is not None
    ]
    return Timeline(source="Prometheus", lines=tuple(lines))


def from_history(seconds: dict[int, Second], *, until_s: float | None = None) -> Timeline:
    """What the client saw, second by second; there is no server side in a history.

    A second that isn't over at *until_s* is left out: half a second's count would look like a slump.
    """
    last = max(seconds, default=-1) if until_s is None else min(max(seconds, default=-1), int(until_s) - 1)
    ats = tuple(float(at) for at in range(last + 1))
    each = [seconds.get(int(at), Second()) for at in ats]

    def line(name: str, panel: str, value: Callable[[Second], float | None]) -> Line:
        return Line(name=name, panel=panel, times_s=ats, values=tuple(value(second) for second in each))

    return Timeline(
        source="operation history",
        lines=(
            line("offered", "rate", lambda second: second.offered),
            line("served", "rate", lambda second: second.served),
            line("errors", "rate", lambda second: second.errors),
            line("p50", "latency", lambda second: nearest_rank(second.latencies_s, 0.5)),
            line("p95", "latency", lambda second: nearest_rank(second.latencies_s, 0.95)),
        ),
    )


def nearest_rank(values: list[float], quantile: float) -> float | None:
    """The smallest value that at least the share *quantile* does not exceed; None without values."""
    if not values:
        return None
    ordered = sorted(values)
    rank = -(-quantile * len(ordered) // 1)  # ceiling
    return ordered[max(0, min(len(ordered) - 1, int(rank) - 1))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """A whole run in four figures; latency in seconds from the intended start, None when nothing ended."""

    offered: int
    served: int
    errors: int
    p95_s: float | None


def totals(seconds: dict[int, Second]) -> Totals:
    latencies = [latency for second in seconds.values() for latency in second.latencies_s]
    return Totals(
        offered=sum(second.offered for second in seconds.values()),
        served=sum(second.served for second in seconds.values()),
        errors=sum(second.errors for second in seconds.values()),
        p95_s=nearest_rank(latencies, 0.95),
    )
