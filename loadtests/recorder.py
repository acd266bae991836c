"""One worker's record of every operation: history lines, histograms and running figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from chaos.model.history import Dropped, Fail, Info, Invoke, Ok, Outcome, Seen
from chaos.model.loadplan import PlanPhase
from loadtests.arrivals import phase_at
from loadtests.histogram import LAG, Durations, Key
from loadtests.history import HistoryWriter
from loadtests.journey import Call, Reading, series_of
from loadtests.marks import NONE, Marks
from loadtests.tally import ANSWERED, Cell, Shape

MOST_PAGES = 500
"""Most different pages (without seats) on record. A correct shop has fewer: one for each address."""


class Operation(msgspec.Struct, kw_only=True, gc=False):
    """An operation between its `invoke` line and its ending."""

    id: str
    number: int
    intended: float
    sent: float
    key: tuple[str, str]
    cell: Cell | None
    follow_up: dict[str, int] | None


class Recorder:
    """Counts, times and records. Single-threaded, and it never yields to other greenlets, so lines are complete.

    Args:
        now_s: Seconds since the load's start.
    """

    def __init__(
        self,
        *,
        worker: int,
        phases: Sequence[PlanPhase],
        shape: Shape,
        writer: HistoryWriter,
        now_s: Callable[[], float],
    ) -> None:
        self._prefix = f"{worker}-"
        self._number = 0
        self._phases = phases
        self._shape = shape
        self._ops = {name: number for number, name in enumerate(shape.ops)}
        self._follow_ups = {name: number for number, name in enumerate(shape.follow_ups)}
        self._writer = writer
        self._now_s = now_s
        self._lag = Durations()
        self._pages: set[str] = set()
        self.figures = shape.empty()
        self.durations: dict[Key, Durations] = {LAG: self._lag}
        self.interval_latencies_s: list[float] = []

    def scheduled(self, phase: int, op: int) -> None:
        """Count an arrival at its time."""
        self.figures.cells[phase][op].scheduled += 1

    def dropped(self, phase: int, op: int, intended: float) -> None:
        """Record an arrival that is not sent, because the cap on exchanges in flight was reached."""
        self._number += 1
        self.figures.operations += 1
        self.figures.cells[phase][op].never_sent()
        self._writer.ending(
            Dropped(
                id=f"{self._prefix}{self._number}",
                op=self._shape.ops[op],
                phase=self._shape.phases[phase],
                intended=round(intended, 6),
            )
        )

    def begin(self, call: Call, *, profile: str = "") -> Operation:
        """Record *call* of *profile*, which may be sent only after this.

        `sent` is when the driver begins to send: if a new connection is needed, the time for connecting counts as the
        service's, not as the driver's lag.
        """
        self._number += 1
        phase = call.phase if call.phase >= 0 else phase_at(self._phases, call.intended)
        phase_name, series = self._shape.phases[phase], series_of(call)
        intended = round(call.intended, 6)
        cell = self.figures.cells[phase][self._ops[call.op]] if call.main else None
        follow_up = None if call.main else self.figures.follow_ups[phase][self._follow_ups[series]]
        op_id = f"{self._prefix}{self._number}"
        sent = round(self._now_s(), 6)
        self._writer.invoke(
            Invoke(
                id=op_id,
                op=call.op,
                phase=phase_name,
                intended=intended,
                sent=sent,
                main=call.main,
                attempt=call.attempt,
                key=call.key,
                customer=call.customer,
                tier=call.tier,
                quantity=call.quantity,
                order=call.order,
                token=call.token,
                state=call.state,
                expires=None if call.expires is None else round(call.expires, 6),
                expects=call.expects,
                profile=profile,
                about=call.about,
            )
        )
        figures = self.figures
        figures.operations += 1
        if cell is not None:
            lag = max(sent - intended, 0.0)
            cell.sent_after(lag)
            self._lag.record(lag)
        return Operation(
            id=op_id,
            number=self._number,
            intended=intended,
            sent=sent,
            key=(phase_name, series),
            cell=cell,
            follow_up=follow_up,
        )

    def end(self, operation: Operation, reading: Reading, *, status: int, ended: float, marks: Marks = NONE) -> None:
        """Record how *operation* ended, at *ended* seconds since the load's start."""
        ended = round(ended, 6)
        kind = _LINES[reading.outcome]
        if reading.page is not None and reading.seen not in self._pages and len(self._pages) < MOST_PAGES:
            self._pages.add(reading.seen)
            self._writer.ending(Seen(seen=reading.seen, events=reading.page))
        self._writer.ending(
            kind(
                id=operation.id,
                ended=ended,
                status=status,
                refused=reading.refused,
                reason=reading.reason,
                order=reading.order,
                order_status=reading.order_status,
                shown=reading.shown,
                issued=reading.issued,
                digest=reading.digest,
                content_type=marks.content_type,
                problem=marks.problem,
                stale=marks.stale,
                age_s=marks.age_s,
                seen=reading.seen,
                seats=reading.seats,
                tickets=reading.tickets,
            )
        )
        outcome = "refused" if reading.refused else reading.outcome.value
        latency, service = ended - operation.intended, ended - operation.sent
        phase, series = operation.key
        self._durations((phase, series, outcome, "latency")).record(latency)
        self._durations((phase, series, outcome, "service")).record(service)
        if operation.cell is not None:
            operation.cell.ended_as(outcome, latency, service)
            if outcome in ANSWERED:
                self.interval_latencies_s.append(latency)
        elif operation.follow_up is not None:
            operation.follow_up[outcome] += 1

    def _durations(self, key: Key) -> Durations:
        found = self.durations.get(key)
        if found is None:
            found = self.durations[key] = Durations()
        return found

    def take_interval_latencies_s(self) -> list[float]:
        """Take the latencies of main operations that got a promised answer since the last call."""
        taken, self.interval_latencies_s = self.interval_latencies_s, []
        return taken


_LINES: dict[Outcome, type[Ok] | type[Fail] | type[Info]] = {
    Outcome.OK: Ok,
    Outcome.FAIL: Fail,
    Outcome.INFO: Info,
}
