"""The one pass over the history that feeds every check at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from chaos.judge.recovery import Recovery
from chaos.judge.tables import OperationCell, Timeline
from chaos.model.checks import CheckSpec, InvariantCheck, Judged, ProbeUse, RecoveryCheck, Reducer, SloCheck
from chaos.model.history import Operation

Feed: TypeAlias = Callable[[Operation], None]

CellKey: TypeAlias = tuple[str, str, bool]
"""Phase, operation, main."""


class Pass(Protocol):
    """A check on its way through the history. `wants` decides once per kind of operation, not once per operation."""

    def wants(self, op: Operation) -> bool: ...

    def feed(self, op: Operation) -> None: ...


@dataclass(slots=True)
class InvariantPass:
    check: InvariantCheck
    reducer: Reducer
    feed: Feed = field(init=False)

    def __post_init__(self) -> None:
        self.feed = self.reducer.feed

    def wants(self, op: Operation) -> bool:
        wanted = self.check.invariant.ops
        return wanted is None or op.op in wanted


@dataclass(slots=True)
class ProbePass:
    """A probe over one phase, or over all operations intended at or after a moment."""

    use: ProbeUse
    phase: str | None = None
    from_s: float | None = None
    feed: Feed = field(init=False)
    seen: Any = field(init=False)

    def __post_init__(self) -> None:
        self.seen = self.use.probe.accumulator(self.use.params)
        self.feed = self.seen.add if self.from_s is None else self._later

    def wants(self, op: Operation) -> bool:
        return op.main and self.use.params.op in (None, op.op) and self.phase in (None, op.phase)

    def _later(self, op: Operation) -> None:
        if self.from_s is not None and op.intended >= self.from_s:
            self.seen.add(op)


@dataclass(slots=True)
class RecoveryPass:
    recovery: Recovery
    feed: Feed = field(init=False)

    def __post_init__(self) -> None:
        self.feed = self.recovery.feed

    def wants(self, op: Operation) -> bool:
        return op.main


def pass_for(check: CheckSpec, scenario: Judged, lifted_s: float | None, end_s: float) -> Pass:
    match check:
        case InvariantCheck():
            return InvariantPass(check, check.invariant.reducer(check.params))
        case SloCheck():
            return ProbePass(check.use, phase=check.use.phase)
        case RecoveryCheck():
            return RecoveryPass(Recovery(check, scenario.steady_state, lifted_s, end_s))
    raise TypeError(f"got check {check!r}, expected an invariant, an SLO or recovers_within")


def read(
    history: Iterable[Operation],
    passes: Sequence[Pass],
    cells: dict[CellKey, OperationCell],
    timeline: Timeline,
) -> dict[int, str]:
    """Feed all of the history to all who want it. Returns id(pass) → error of the checks that crashed in it."""
    crashed: dict[int, str] = {}
    routes: dict[CellKey, list[Feed]] = {}

    def route(op: Operation) -> list[Feed]:
        cell = cells[op.phase, op.op, op.main] = OperationCell()
        wanting = [check.feed for check in passes if check.wants(op) and id(check) not in crashed]
        return [*wanting, cell.add, timeline.add] if op.main else [*wanting, cell.add]

    def survive(op: Operation, feeds: list[Feed], failed: Feed, error: Exception) -> None:
        """Whatever a check does wrong must not pass for a verdict: drop it and go on with the others."""
        position = feeds.index(failed)
        check = next((check for check in passes if check.feed == failed), None)
        if check is None:
            raise error
        crashed[id(check)] = f"the check itself crashed at operation {op.id}: {error!r}"
        for others in routes.values():
            if failed in others:
                others.remove(failed)
        for feed in feeds[position:]:
            try:
                feed(op)
            except Exception as another:
                return survive(op, feeds, feed, another)

    for op in history:
        key = (op.phase, op.op, op.main)
        feeds = routes.get(key)
        if feeds is None:
            feeds = routes[key] = route(op)
        try:
            for feed in feeds:
                feed(op)
        except Exception as error:
            survive(op, feeds, feed, error)
    return crashed
