"""In every tier, the counter of sold seats equals the seats of its live orders (pending, paid).

A counter that lost an update refuses customers too late or too early, long after the race. Orders and `sold` are read
from the contract's views after everything has settled, and what pages then show as left is the counter's, too. Violated
when a tier's `sold`, or what is left of its seeded seats by the page of its event, differs from the seats of its live
orders. Inconclusive when no order was accepted, or when the world had not settled.
"""

from __future__ import annotations

from collections import Counter

from chaos.invariants._common import LIVE, OK, ORDERS, NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Counterexample, Finding

SAY = Say("seats_match_orders", "in every tier, sold = seats of live orders")


class _SeatsMatchOrders:
    def __init__(self, _: NoParams) -> None:
        self.accepted = 0

    def feed(self, op: Operation) -> None:
        if op.tier is not None and op.outcome is OK:
            self.accepted += 1

    def finish(self, context: Context) -> Finding:
        seats: Counter[int] = Counter()
        for order in context.state.orders:
            if order.status in LIVE:
                seats[order.tier_id] += order.quantity
        counted = {tier.tier_id: ("sold says", tier.sold) for tier in context.state.tiers}
        for tier_id, taken in _shown(context).items():
            if tier_id in counted and counted[tier_id][1] == seats[tier_id]:
                counted[tier_id] = "its page shows as taken", taken
        apart = {id_: count - seats[id_] for id_, (_, count) in counted.items() if count != seats[id_]}
        figures = {"tiers": len(context.state.tiers), "tiers_apart": len(apart), "seats_live": seats.total()}
        if not self.accepted:
            return SAY.inconclusive("no order was accepted, so no counter had to move", figures=figures)
        if not apart:
            return SAY.held_if_settled(context, f"{seats.total()} seats of live orders, all counted", figures)
        worst = max(apart, key=lambda tier_id: abs(apart[tier_id]))
        tier = next(tier for tier in context.state.tiers if tier.tier_id == worst)
        measured = f"{' '.join(map(str, counted[worst]))}, live orders hold {seats[worst]} seats"
        if not context.state.settled:
            return SAY.inconclusive("the world had not settled, so both may still move", measured, figures=figures)
        return SAY.violated(
            f"{len(apart)} tier(s) count other seats than their orders hold",
            measured,
            examples=[f"tier {tier_id}: {apart[tier_id]:+d}" for tier_id in sorted(apart)],
            where=f"tier {worst} ({tier.event_slug})",
            figures=figures,
            counterexample=Counterexample(says=f"{measured} of this tier", tiers=(worst,)),
        )


def _shown(context: Context) -> dict[int, int]:
    """Tier → seats that are taken by the page of its event. A page without a number is judged by other checks."""
    world = context.world.by_tier
    return {
        shown.tier_id: world[shown.tier_id].capacity - shown.remaining
        for shown in context.state.seats_shown
        if shown.remaining is not None and shown.tier_id in world
    }


KIND = InvariantKind(
    name="seats_match_orders",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=ORDERS,
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"orders", "tiers", "seats_shown"}),
    reducer=_SeatsMatchOrders,
)
