"""No tier has more seats taken than it has: seats of live orders (pending, paid), plus tickets beyond them, ≤ capacity.

Counted from the orders and tickets themselves, never from the `sold` counter of the code under test, since a lost
update makes that counter look right. The capacity is the seeded one. Inconclusive when nothing was sold, since nothing
could be oversold then.
"""

from __future__ import annotations

from chaos.invariants._common import LIVE, OK, ORDERS, NoParams, Say, claimed_seats
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.evidence import Order
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Counterexample, Finding

SAY = Say("no_oversell", "in every tier, seats of live orders and tickets ≤ capacity")


class _NoOversell:
    def __init__(self, _: NoParams) -> None:
        self.accepted = 0

    def feed(self, op: Operation) -> None:
        if op.tier is not None and op.outcome is OK:
            self.accepted += 1

    def finish(self, context: Context) -> Finding:
        tiers = context.world.by_tier
        seats = claimed_seats(context.state)
        unknown = seats.keys() - tiers.keys()
        if unknown:
            named = ", ".join(map(str, sorted(unknown)))
            return SAY.inconclusive(f"orders or tickets name tiers that were never seeded: {named}")
        over = {id_: seats[id_] - tier.capacity for id_, tier in tiers.items() if seats[id_] > tier.capacity}
        if over:
            worst = max(over, key=lambda id_: over[id_])
            measured = f"{seats[worst]} of {tiers[worst].capacity} seats taken"
            late = self._too_late(context, worst, tiers[worst].capacity)
            return SAY.violated(
                f"{sum(over.values())} seats were sold that do not exist, in {len(over)} tier(s)",
                measured,
                examples=late,
                where=f"tier {worst} ({tiers[worst].event_slug})",
                figures={
                    "seats_taken": seats[worst],
                    "capacity": tiers[worst].capacity,
                    "seats_oversold": sum(over.values()),
                },
                counterexample=self._pair(context, worst, late),
            )
        taken = sum(seats.values())
        if not self.accepted or not taken:
            return SAY.inconclusive("no order was accepted, so nothing could be oversold")
        fullest = max(tiers, key=lambda id_: seats[id_] / max(tiers[id_].capacity, 1))
        measured = f"{seats[fullest]} of {tiers[fullest].capacity} seats taken in the fullest tier, {fullest}"
        figures = {"seats_taken": seats[fullest], "capacity": tiers[fullest].capacity, "accepted": self.accepted}
        return SAY.held_if_settled(context, measured, figures)

    @staticmethod
    def _live_orders(context: Context, tier_id: int) -> list[Order]:
        """The orders of the tier that take seats, by the time they were created."""
        orders = [o for o in context.state.orders if o.tier_id == tier_id and o.status in LIVE]
        return sorted(orders, key=lambda order: (order.created_unix_s, order.order_id))

    def _pair(self, context: Context, tier_id: int, late: list[str]) -> Counterexample:
        """The order that first went beyond the capacity, and the one right before it."""
        if not late:
            return Counterexample(says="more tickets than seats, though the orders alone would fit", tiers=(tier_id,))
        orders = self._live_orders(context, tier_id)
        position = next(n for n, order in enumerate(orders) if order.order_id == late[0])
        before, first = orders[max(position - 1, 0) : position], orders[position]
        taken = sum(order.quantity for order in orders[:position])
        if before:
            gap_ms = (first.created_unix_s - before[0].created_unix_s) * 1000
            who = f"the second of these orders took {first.quantity} more, {gap_ms:.1f} ms after the first"
        else:
            who = f"this order took {first.quantity}"
        return Counterexample(
            says=f"{taken} seats were taken when {who}: it was accepted as if they had been free",
            orders=(*(order.order_id for order in before), first.order_id),
            tiers=(tier_id,),
        )

    def _too_late(self, context: Context, tier_id: int, capacity: int) -> list[str]:
        """Orders of the tier that were created when the seats were gone already, by the time they were created."""
        late, seats = [], 0
        for order in self._live_orders(context, tier_id):
            seats += order.quantity
            if seats > capacity:
                late.append(order.order_id)
        return late


KIND = InvariantKind(
    name="no_oversell",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=ORDERS,
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"orders", "tickets", "world"}),
    reducer=_NoOversell,
)
