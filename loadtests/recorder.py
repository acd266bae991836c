"""One worker's account of every operation: history line, histograms and running figures, from one call each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chaos.model.history import Dropped, Fail, Info, Invoke, Ok, Outcome
from chaos.model.loadplan import PlanPhase
from loadtests import histogram
from loadtests.arrivals import phase_at
from loadtests.history import HistoryWriter
from loadtests.journey import Call, Reading, series_of
from loadtests.marks import NONE, Marks
from loadtests.tally import Cell, Shape


class Operation:
    """An operation between its `invoke` line and its ending."""

    __slots__ = ("cell", "follow_up", "id", "intended", "key", "sent")

    def __init__(
        self,
        *,
        id: str,
        intended: float,
        sent: float,
        key: tuple[str, str],
        cell: Cell | None,
        follow_up: dict[str, int] | None,
    ) -> None:
        self.id = id
        self.intended = intended
        self.sent = sent
        self.key = key
        self.cell = cell
        self.follow_up = follow_up


class Recorder:
    """Counts, times and writes down. Single-threaded, and it never yields: a line is whole or not there.

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
        self._lag = histogram.new()
        self.figures = shape.empty()
        self.histograms: dict[histogram.Key, Any] = {histogram.LAG: self._lag}
        self.interval_latencies_s: list[float] = []

    def scheduled(self, phase: int, op: int) -> None:
        """An arrival's time has come."""
        self.figures.cells[phase][op].scheduled += 1

    def dropped(self, phase: int, op: int, intended: float) -> None:
        """An arrival is not sent, because the cap on what is in flight was reached."""
        self._number += 1
        self.figures.operations += 1
        self.figures.cells[phase][op].dropped += 1
        self._writer.ending(
            Dropped(
                id=f"{self._prefix}{self._number}",
                op=self._shape.ops[op],
                phase=self._shape.phases[phase],
                intended=round(intended, 6),
            )
        )

    def begin(self, call: Call) -> Operation:
        """Put *call* on record; only after this may it be sent.

        `sent` is when the driver turned to sending: where a new connection is needed, the time that connecting takes
        belongs to the service, not to the driver's lag.
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
            )
        )
        figures = self.figures
        figures.operations += 1
        if cell is not None:
            lag = max(sent - intended, 0.0)
            cell.sent_after(lag)
            histogram.record(self._lag, lag)
        return Operation(
            id=op_id, intended=intended, sent=sent, key=(phase_name, series), cell=cell, follow_up=follow_up
        )

    def end(self, operation: Operation, reading: Reading, *, status: int, ended: float, marks: Marks = NONE) -> None:
        """Record how *operation* ended, at *ended* seconds since the load's start."""
        ended = round(ended, 6)
        kind = _LINES[reading.outcome]
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
            )
        )
        outcome = "refused" if reading.refused else reading.outcome.value
        latency, service = ended - operation.intended, ended - operation.sent
        phase, series = operation.key
        histogram.record(self._histogram((phase, series, outcome, "latency")), latency)
        histogram.record(self._histogram((phase, series, outcome, "service")), service)
        if operation.cell is not None:
            operation.cell.ended_as(outcome, latency, service)
            self.interval_latencies_s.append(latency)
        elif operation.follow_up is not None:
            operation.follow_up[outcome] += 1

    def _histogram(self, key: histogram.Key) -> Any:
        found = self.histograms.get(key)
        if found is None:
            found = self.histograms[key] = histogram.new()
        return found

    def take_interval_latencies_s(self) -> list[float]:
        """Latencies of main operations that ended since the last call."""
        taken, self.interval_latencies_s = self.interval_latencies_s, []
        return taken


_LINES: dict[Outcome, type[Ok] | type[Fail] | type[Info]] = {
    Outcome.OK: Ok,
    Outcome.FAIL: Fail,
    Outcome.INFO: Info,
}
