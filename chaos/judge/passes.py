"""The one pass over the history that feeds every check at once."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from chaos.checks import CheckSpec, InvariantCheck, Judged, RecoveryCheck, SloCheck
from chaos.evidence.figures import MOST_KINDS, OTHERS, CellKey, OperationCell, Timelines
from chaos.invariants import Reducer
from chaos.judge.recovery import Recovery
from chaos.model.history import Operation
from chaos.probes import ProbeUse

Feed: TypeAlias = Callable[[Operation], None]


class Pass(Protocol):
    """A check that reads the history. `wants` is asked once per kind of operation, not once per operation."""

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
    timelines: Timelines,
) -> dict[int, str]:
    """Feed each operation to every pass that wants it. Returns id(pass) → error, of the checks that crashed."""
    crashed: dict[int, str] = {}
    routes: dict[CellKey, list[Feed]] = {}

    def route(op: Operation) -> list[Feed]:
        key = (op.phase, op.op, op.main) if len(cells) < MOST_KINDS else (OTHERS, OTHERS, op.main)
        cell = cells.setdefault(key, OperationCell())
        wanting = [check.feed for check in passes if check.wants(op) and id(check) not in crashed]
        return [*wanting, cell.add, timelines.of(key[1]).add] if op.main else [*wanting, cell.add]

    def survive(op: Operation, feeds: list[Feed], failed: Feed, error: Exception) -> None:
        """Drop a check that crashed, since it can't give a verdict, and go on with the others."""
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

    with _uncollected():
        for op in history:
            key = (op.phase, op.op, op.main)
            feeds = routes.get(key)
            if feeds is None:
                feeds = route(op)
                if len(routes) < 2 * MOST_KINDS:
                    routes[key] = feeds
            try:
                for feed in feeds:
                    feed(op)
            except Exception as error:
                survive(op, feeds, feed, error)
    return crashed


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector: the pass makes no cycles, and it would visit millions of rows for nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
