"""One violated finding, and what one pass over the history collects of the operations that show it."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from chaos.checks import Judged, SloCheck
from chaos.model.evidence import EndState, Order
from chaos.model.history import Operation
from chaos.model.interleaving import Schedule
from chaos.model.operations import WATCHING
from chaos.model.verdict import Counterexample, Finding, FindingKind

MOST_OPERATIONS, ENOUGH = 6, 3
WORST = 2
MOST_SCHEDULES = 5
MOST_FOUND = 200
"""Operations that are looked at for one finding; a few of them are shown."""


def pointers(finding: Finding) -> Counterexample:
    """The finding's own pointers, else its first examples, tried as ids of every kind."""
    if finding.counterexample is not None:
        return finding.counterexample
    first = finding.examples[:WORST]
    return Counterexample(says=finding.reason, operations=first, orders=first, keys=first, charges=first)


def slo_of(finding: Finding, scenario: Judged) -> SloCheck | None:
    """The SLO behind *finding* where its worst operations say something."""
    if finding.kind is not FindingKind.SLO or finding.counterexample is not None:
        return None
    return next((c for c in scenario.checks if isinstance(c, SloCheck) and c.id == finding.check), None)


@dataclass(slots=True, kw_only=True)
class Asked:
    """One finding, and what the pass over the history collects for it."""

    finding: Finding
    pointers: Counterexample
    slo: SloCheck | None
    orders: set[str] = field(default_factory=set)
    found: dict[str, Operation] = field(default_factory=dict)
    last_poll: dict[str, Operation] = field(default_factory=dict)
    worst: list[tuple[float, str, Operation]] = field(default_factory=list)
    schedules: tuple[Schedule, ...] = ()

    def show(self, schedules: Sequence[Schedule]) -> None:
        """Point at the first of *schedules*, where the finding is about forced ones: the time line is that one's."""
        self.schedules = tuple(schedules[:MOST_SCHEDULES])
        if schedules:
            first = schedules[0]
            self.pointers = Counterexample(
                says=self.pointers.says, operations=first.operations, orders=first.orders, tiers=self.pointers.tiers
            )
            self.orders = set(first.orders)

    def look(self, op: Operation) -> None:
        if len(self.found) >= MOST_FOUND or len(self.last_poll) >= MOST_FOUND:
            return
        if self._is_pointed_at(op):
            self.found[op.id] = op
            if op.order:
                self.orders.add(op.order)
        elif op.order and op.order in self.orders:
            if op.key or op.main or op.op != WATCHING:
                self.found[op.id] = op
            elif (before := self.last_poll.get(op.order)) is None or before.intended < op.intended:
                self.last_poll[op.order] = op
        elif self.slo is not None and op.main and self._is_judged(self.slo, op):
            self._rank(op)

    def _is_pointed_at(self, op: Operation) -> bool:
        return op.id in self.pointers.operations or bool(op.key and op.key in self.pointers.keys)

    @staticmethod
    def _is_judged(slo: SloCheck, op: Operation) -> bool:
        return op.phase == slo.use.phase and slo.use.params.op in (None, op.op)

    def _rank(self, op: Operation) -> None:
        """Keep the worst operations; one without an answer is worse than any delay."""
        badness = float("inf") if not op.answered else (op.latency_s or 0.0)
        heapq.heappush(self.worst, (badness, op.id, op))
        if len(self.worst) > WORST:
            heapq.heappop(self.worst)

    def operations(self) -> list[Operation]:
        """The few that show the violation, by time of sending: those pointed at, then others about their orders."""
        pointed = [op for op in self.found.values() if self._is_pointed_at(op)] + [op for _, _, op in self.worst]
        others = [op for op in self.found.values() if not self._is_pointed_at(op)] + list(self.last_poll.values())
        kept = sorted(pointed, key=by_time)[:MOST_OPERATIONS]
        kept += sorted(others, key=by_time)[: max(0, ENOUGH - len(kept))]
        return sorted(kept, key=by_time)


class World:
    """The end state by order."""

    def __init__(self, state: EndState) -> None:
        self.state = state
        self.orders: dict[str, Order] = {order.order_id: order for order in state.orders}

    def pointed_at(self, asked: Asked) -> set[str]:
        """Orders that the finding points at. Of examples, which may be ids of any kind, only the orders count."""
        pointers = asked.pointers
        named, keys = set(pointers.orders), set(pointers.keys)
        if asked.finding.counterexample is None:
            named &= self.orders.keys()
        return named | ({order.order_id for order in self.state.orders if order.client_key in keys} if keys else set())


def sent(op: Operation) -> float:
    return op.intended if op.sent is None else op.sent


def by_time(op: Operation) -> tuple[float, str]:
    return sent(op), op.id
