"""Running figures for progress and live series, cheap to count and to add up over workers. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from chaos.model.quantiles import LATENCY_BOUNDS_S

LAG_BOUNDS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
OUTCOMES = ("ok", "refused", "fail", "info")
ANSWERED = frozenset({"ok", "refused"})


class Buckets(msgspec.Struct):
    """Numbers of durations by upper bound, not cumulative; the last one counts durations above every bound."""

    counts: list[int]
    sum_s: float = 0.0

    @classmethod
    def empty(cls, bounds: Sequence[float]) -> Buckets:
        return cls([0] * (len(bounds) + 1))

    def add(self, other: Buckets) -> None:
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.sum_s += other.sum_s


class Cell(msgspec.Struct):
    """Main operations of one kind in one phase. `ended` counts by outcome; documented refusals are not failures.

    `latency` ends with the promised answer: an operation without one counts above every bound, and not in the sum.
    """

    ended: dict[str, int]
    latency: Buckets
    service: Buckets
    lag: Buckets
    scheduled: int = 0
    sent: int = 0
    dropped: int = 0

    @classmethod
    def empty(cls) -> Cell:
        return cls(
            dict.fromkeys(OUTCOMES, 0),
            Buckets.empty(LATENCY_BOUNDS_S),
            Buckets.empty(LATENCY_BOUNDS_S),
            Buckets.empty(LAG_BOUNDS_S),
        )

    def sent_after(self, lag_s: float) -> None:
        self.sent += 1
        self.lag.counts[bisect_left(LAG_BOUNDS_S, lag_s)] += 1
        self.lag.sum_s += lag_s

    def ended_as(self, outcome: str, latency_s: float, service_s: float) -> None:
        self.ended[outcome] += 1
        if outcome in ANSWERED:
            self.latency.counts[bisect_left(LATENCY_BOUNDS_S, latency_s)] += 1
            self.latency.sum_s += latency_s
        else:
            self.latency.counts[-1] += 1
        self.service.counts[bisect_left(LATENCY_BOUNDS_S, service_s)] += 1
        self.service.sum_s += service_s

    def never_sent(self) -> None:
        self.dropped += 1
        self.latency.counts[-1] += 1

    def add(self, other: Cell) -> None:
        for outcome, times in other.ended.items():
            self.ended[outcome] += times
        self.latency.add(other.latency)
        self.service.add(other.service)
        self.lag.add(other.lag)
        self.scheduled += other.scheduled
        self.sent += other.sent
        self.dropped += other.dropped


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Main operations over all phases."""

    scheduled: int = 0
    sent: int = 0
    dropped: int = 0
    ended: dict[str, int] = {}

    @property
    def unanswered(self) -> int:
        """Operations that finally have no promised answer; those in flight may still get one, and don't count."""
        return sum(times for outcome, times in self.ended.items() if outcome not in ANSWERED) + self.dropped

    @property
    def total_ended(self) -> int:
        """Operations with an ending, so without dropped ones."""
        return sum(self.ended.values())


class Figures(msgspec.Struct, kw_only=True):
    """What one worker, or all workers together, counted so far.

    Attributes:
        cells: By phase, then by operation, in the alphabetical order of names.
        follow_ups: By phase, then by follow-up operation: outcome → number of endings.
        operations: All operations of the history, dropped ones and follow-ups included.
        in_flight: Exchanges that wait for an answer, follow-ups included.
    """

    cells: list[list[Cell]]
    follow_ups: list[list[dict[str, int]]]
    operations: int = 0
    in_flight: int = 0

    @classmethod
    def empty(cls, *, phases: int, ops: int, follow_ups: int) -> Figures:
        return cls(
            cells=[[Cell.empty() for _ in range(ops)] for _ in range(phases)],
            follow_ups=[[dict.fromkeys(OUTCOMES, 0) for _ in range(follow_ups)] for _ in range(phases)],
        )

    def all_cells(self) -> Iterator[Cell]:
        for row in self.cells:
            yield from row

    def totals(self) -> Totals:
        cells = list(self.all_cells())
        return Totals(
            scheduled=sum(cell.scheduled for cell in cells),
            sent=sum(cell.sent for cell in cells),
            dropped=sum(cell.dropped for cell in cells),
            ended={outcome: sum(cell.ended[outcome] for cell in cells) for outcome in OUTCOMES},
        )

    def follow_up_totals(self) -> dict[str, int]:
        """Outcome → number of follow-ups over all phases."""
        cells = [counts for row in self.follow_ups for counts in row]
        return {outcome: sum(counts[outcome] for counts in cells) for outcome in OUTCOMES}

    def add(self, other: Figures) -> None:
        for mine, theirs in zip(self.all_cells(), other.all_cells(), strict=True):
            mine.add(theirs)
        for row, other_row in zip(self.follow_ups, other.follow_ups, strict=True):
            for counts, other_counts in zip(row, other_row, strict=True):
                for outcome, times in other_counts.items():
                    counts[outcome] += times
        self.operations += other.operations
        self.in_flight += other.in_flight


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """The label sets of a plan, known before the run."""

    phases: tuple[str, ...]
    ops: tuple[str, ...]
    follow_ups: tuple[str, ...]

    def empty(self) -> Figures:
        return Figures.empty(phases=len(self.phases), ops=len(self.ops), follow_ups=len(self.follow_ups))

    def summed(self, parts: Iterable[Figures]) -> Figures:
        """The sum of *parts*; zeros without any."""
        total = self.empty()
        for part in parts:
            total.add(part)
        return total
