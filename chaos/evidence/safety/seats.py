"""Seats taken in the fullest tier, against its capacity: what `no_oversell` is about.

By the end state: the seats of orders that are live in the end, each from its creation on. Before there is one: the
seats of orders that clients were told of as accepted, until a client is told that the order is refused or cancelled.
"""

from __future__ import annotations

from collections import defaultdict

from chaos.evidence.safety.picture import CLIENTS, END_STATE, Curve, Known, Picture, summed
from chaos.model.history import Operation, Outcome

LIVE = frozenset({"pending", "paid"})
OVER = frozenset({"refused", "cancelled"})
OK = Outcome.OK


class Seats:
    """See the module."""

    def __init__(self) -> None:
        self._taken: dict[str, tuple[float, int, int]] = {}
        self._over_s: dict[str, float] = {}

    def feed(self, op: Operation) -> None:
        if op.ended is None or not op.order:
            return
        if op.tier is not None and op.outcome is OK:
            told = (op.ended, op.tier, op.quantity)
            self._taken[op.order] = min(told, self._taken.get(op.order, told))
        if op.order_status in OVER:
            self._over_s[op.order] = min(op.ended, self._over_s.get(op.order, op.ended))

    def picture(self, known: Known) -> Picture | None:
        steps, source = self._steps(known)
        curves = {tier: summed(changes) for tier, changes in steps.items()}
        tiers = [tier for tier in known.world.tiers if tier.capacity > 0 and curves.get(tier.id)]
        if not tiers:
            return None
        fullest = max(tiers, key=lambda tier: max(count for _, count in curves[tier.id]) / tier.capacity)
        taken = Curve(name="seats taken", points=curves[fullest.id])
        beyond = taken.most > fullest.capacity
        shown = taken.most if beyond else taken.last
        where = f"tier {fullest.id}" + (f" ({fullest.event_slug})" if fullest.event_slug else "")
        return Picture(
            check="no_oversell",
            title=f"Seats taken in {where}",
            said=f"{shown} of {fullest.capacity} seats taken",
            curves=(taken,),
            limit=fullest.capacity,
            limit_name=f"capacity: {fullest.capacity}",
            beyond=beyond,
            source=source,
        )

    def _steps(self, known: Known) -> tuple[dict[int, list[tuple[float, int]]], str]:
        steps: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
        if (end := known.witnessed("orders")) is not None:
            for order in end.orders:
                if order.status in LIVE:
                    steps[order.tier_id].append((order.created_unix_s - known.t0_unix_s, order.quantity))
            return steps, END_STATE
        for seeded in known.world.orders:
            if seeded.status in LIVE:
                steps[seeded.tier].append((0.0, seeded.quantity))
        for order_id, (at_s, tier, quantity) in self._taken.items():
            steps[tier].append((at_s, quantity))
            if order_id in self._over_s:
                steps[tier].append((max(at_s, self._over_s[order_id]), -quantity))
        return steps, CLIENTS
