"""No request is answered "sold out" while seats that would have fitted it were certainly free.

A refusal of q seats was given at some moment up to its answer. The upper bound of the seats taken at that moment is the
sum over all asks of that tier whose sending began before that answer, except those that certainly took none (themselves
refused as sold out, or never connected). Asks that were accepted under one order id count once, every ask with an
unknown end counts in full, and seats that were given back are not subtracted. If capacity minus that upper bound is
still q or more, the refusal was false. So a false refusal is never claimed wrongly, but one amid many unknown asks may
go unnoticed. The world starts unsold. The liveness partner of every refusal, so it is checked in every run with orders,
listed or not. Inconclusive when no ask was accepted or refused.
"""

from __future__ import annotations

from chaos.invariants._common import ORDERS, NoParams, Say, sold_out
from chaos.invariants._kind import Context, InvariantKind
from chaos.invariants._seats import Asks
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Counterexample, Finding

SAY = Say("no_false_refusal", "a sold-out refusal is given only when the seats asked for may have been gone")


class _NoFalseRefusal:
    def __init__(self, _: NoParams) -> None:
        self.asks = Asks()
        self.refusals: list[tuple[float, int, int, str]] = []
        """When it was answered, tier, seats, operation id."""

    def feed(self, op: Operation) -> None:
        if op.tier is None or op.sent is None:
            return
        if sold_out(op):
            self.refusals.append((op.sent if op.ended is None else op.ended, op.tier, op.quantity, op.id))
        else:
            self.asks.feed(op)

    def finish(self, context: Context) -> Finding:
        if not self.refusals and not self.asks.accepted:
            return SAY.inconclusive("nobody was accepted or refused, so no refusal could be false")
        tiers = context.world.by_tier
        unknown = sorted({tier for _, tier, _, _ in self.refusals} - tiers.keys())
        if unknown:
            named = ", ".join(map(str, unknown))
            return SAY.inconclusive(f"refusals name tiers that were never seeded: {named}")
        self.asks.finish()
        false = []
        for at_s, tier_id, seats, id_ in sorted(self.refusals):
            free = tiers[tier_id].capacity - self.asks.most_taken(tier_id, at_s)
            if free >= seats:
                false.append((tier_id, id_, seats, free))
        figures = {"refusals": len(self.refusals), "false_refusals": len(false), "accepted": self.asks.accepted}
        if not false:
            measured = f"{len(self.refusals)} refusals, none of them certainly false"
            return SAY.held(measured if self.refusals else f"{self.asks.accepted} accepted, nobody refused", figures)
        if not context.history_complete:
            return SAY.inconclusive(
                "the history has gaps: an ask that it lost may have taken the seats", figures=figures
            )
        tier_id, refusal, seats, free = false[0]
        capacity = tiers[tier_id].capacity
        return SAY.violated(
            f"{len(false)} refusals of seats that were certainly free; the first asked for {seats} of at least {free}",
            f"{len(false)} false of {len(self.refusals)} refusals",
            examples=[id_ for _, id_, _, _ in false],
            where=f"tier {tier_id}",
            figures=figures,
            counterexample=Counterexample(
                says=f"{seats} seats were refused as sold out while at least {free} of {capacity} were free: "
                f"all that had been asked for by then was {capacity - free}",
                operations=(refusal,),
                tiers=(tier_id,),
            ),
        )


KIND = InvariantKind(
    name="no_false_refusal",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=ORDERS,
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"world"}),
    reducer=_NoFalseRefusal,
    by_the_clock=True,
    standing_for=ORDERS,
)
