"""Nobody is told "sold out" while seats that would have fitted the request were certainly free.

Only certain knowledge counts. A refusal of q seats was given at some moment up to its answer. At that moment no more
seats can have been taken than all asks of that tier wanted together whose sending began before that answer, except
those that certainly took none (themselves refused as sold out, or never connected). Asks that were accepted under one
order id count once, every ask with an unknown end counts in full, and seats that came back are not added. If capacity
minus that upper bound still holds q seats, the refusal was false. So a false refusal is never claimed wrongly, and one
amid many unknown asks may go unnoticed. The world starts unsold. Inconclusive when nobody was refused.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator

from chaos.invariants._common import FAIL, OK, ORDERS, NoParams, Say, never_arrived, sold_out
from chaos.model.checks import Context, InvariantKind
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Counterexample, Finding

SAY = Say("no_false_refusal", "a sold-out refusal is given only when the seats asked for may have been gone")


class _NoFalseRefusal:
    """Keeps asks that may have taken seats in flat arrays (there may be a million), and the refusals."""

    def __init__(self, _: NoParams) -> None:
        self.tier = array("q")
        self.sent_s = array("d")
        self.seats = array("q")
        self.by_order: dict[str, int] = {}
        self.refusals: defaultdict[int, list[tuple[float, int, str]]] = defaultdict(list)
        self.refused = 0

    def feed(self, op: Operation) -> None:
        if op.tier is None or op.sent is None:
            return
        if op.outcome is FAIL:
            if sold_out(op):
                self.refused += 1
                self.refusals[op.tier].append((op.ended or op.sent, op.quantity, op.id))
                return
            if never_arrived(op):
                return
        position = len(self.sent_s)
        if op.outcome is OK and op.order:
            first = self.by_order.setdefault(op.order, position)
            if first != position:  # the same order again: it takes its seats once, from the earlier sending on
                self.sent_s[first] = min(self.sent_s[first], op.sent)
                return
        self.tier.append(op.tier)
        self.sent_s.append(op.sent)
        self.seats.append(op.quantity)

    def finish(self, context: Context) -> Finding:
        if not self.refused:
            return SAY.inconclusive("nobody was refused, so no refusal could be false")
        capacity = {tier.tier_id: tier.capacity for tier in context.state.tiers}
        unknown = sorted(self.refusals.keys() - capacity.keys())
        if unknown:
            return SAY.inconclusive(f"refusals name tiers that lab_tiers doesn't have: {', '.join(map(str, unknown))}")
        false = [(id_, *found) for id_ in sorted(self.refusals) for found in self._false_refusals(id_, capacity[id_])]
        figures = {"refusals": self.refused, "false_refusals": len(false)}
        if not false:
            return SAY.held(f"{self.refused} refusals, none of them certainly false", figures)
        if not context.history_complete:
            return SAY.inconclusive(
                "the history has gaps: an ask that it lost may have taken the seats", figures=figures
            )
        tier_id, refusal, seats, free = false[0]
        return SAY.violated(
            f"{len(false)} refusals of seats that were certainly free; the first asked for {seats} of at least {free}",
            f"{len(false)} false of {self.refused} refusals",
            examples=[id_ for _, id_, _, _ in false],
            where=f"tier {tier_id}",
            figures=figures,
            counterexample=Counterexample(
                says=f"{seats} seats were refused as sold out while at least {free} of {capacity[tier_id]} were free: "
                f"all that had been asked for by then was {capacity[tier_id] - free}",
                operations=(refusal,),
                tiers=(tier_id,),
            ),
        )

    def _false_refusals(self, tier_id: int, capacity: int) -> Iterator[tuple[str, int, int]]:
        """(operation id, seats asked, seats certainly free) of each false refusal of a tier, in time order."""
        asks = sorted(
            (sent_s, seats)
            for tier, sent_s, seats in zip(self.tier, self.sent_s, self.seats, strict=True)
            if tier == tier_id
        )
        upper_bound, position = 0, 0
        for ended_s, seats, id_ in sorted(self.refusals[tier_id]):
            while position < len(asks) and asks[position][0] <= ended_s:
                upper_bound += asks[position][1]
                position += 1
            free = capacity - upper_bound
            if free >= seats:
                yield id_, seats, free


KIND = InvariantKind(
    name="no_false_refusal",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=ORDERS,
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"tiers"}),
    reducer=_NoFalseRefusal,
)
