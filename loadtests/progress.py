"""Turns running figures into the lines that the engine reads twice a second. Pure, except for the pipe."""

from __future__ import annotations

import os
import select
from collections.abc import Sequence

import msgspec

from chaos.model.loadplan import PlanPhase, Progress
from chaos.model.quantiles import quantile
from loadtests.tally import Figures, Totals

EVERY_S = 0.5


class ProgressMaker:
    """Makes each line from the difference between the figures now and at the line before.

    Attributes:
        notes: Sentences for the next line.
    """

    def __init__(self, phases: Sequence[PlanPhase]) -> None:
        self._phases = phases
        self._last = Totals()
        self._latencies_s: list[float] = []
        self.notes: list[str] = []

    def heard(self, latencies_s: Sequence[float]) -> None:
        """Add latencies of main operations that got a promised answer, for the next line."""
        self._latencies_s.extend(latencies_s)

    def line(self, at_s: float, figures: Figures, *, ready: bool = False, mustered: bool = False) -> Progress:
        """The next line."""
        now, last = figures.totals(), self._last
        latencies_s, self._latencies_s = sorted(self._latencies_s), []
        p95_s = quantile(latencies_s, now.unanswered - last.unanswered, 0.95)
        self._last = now
        notes, self.notes = "\n".join(self.notes), []
        return Progress(
            at_s=round(at_s, 3),
            phase=next((p.name for p in self._phases if p.start_s <= at_s < p.start_s + p.duration_s), ""),
            ready=ready,
            mustered=mustered,
            note=notes,
            scheduled=now.scheduled - last.scheduled,
            sent=now.sent - last.sent,
            in_flight=figures.in_flight,
            dropped=now.dropped - last.dropped,
            outcomes={name: times - last.ended.get(name, 0) for name, times in now.ended.items()},
            p95_ms=None if p95_s is None else round(p95_s * 1000, 3),
            total_scheduled=now.scheduled,
            total_ended=now.total_ended + now.dropped,
        )


class ReaderGone(Exception):
    """The reader of the progress is gone."""


class ProgressPipe:
    """Writes lines to a file descriptor without waiting for its reader, since an open model must not wait."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._encoder = msgspec.json.Encoder()

    def has_room(self) -> bool:
        """False while the reader lags behind; the figures of the skipped line are in the next one."""
        return bool(select.select([], [self._file], [], 0)[1])

    def write(self, line: Progress) -> None:
        """Raises: ReaderGone."""
        try:
            os.write(self._file, self._encoder.encode(line) + b"\n")
        except OSError as error:
            raise ReaderGone(str(error)) from error
