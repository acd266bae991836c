"""Where customers wanted more seats than a tier has, every seat is sold: the liveness partner of `no_oversell`.

Demand is the sum of seats over distinct client intents that were sent, answered or not: a shop that fails under the
rush has turned its customers away too. Violated when seats are left into which at least one unsatisfied intent would
have fitted; a single seat may be left when all unsatisfied intents asked for two. An accepted order that was refused
later, although the gateway had not refused its charge for good, leaves its intent unsatisfied, too. Seats that any
other order gave back after the last ask had been sent could not be sold any more and do not count. Inconclusive when
demand was larger than stock in no tier, and on a machine without CPU, which gives 5xx and no answer, when nobody who
got none was refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from chaos.invariants._common import (
    LIVE,
    OK,
    ORDERS,
    REFUSED_FOR_GOOD,
    TIMES,
    NoParams,
    Say,
    claimed_seats,
    told_no,
)
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.evidence import EndState
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Counterexample, Finding
from chaos.model.world import SeededTier

SAY = Say("sells_out", "every seat is sold in each tier whose demand was larger than its stock")


class _Demand:
    """What the clients wanted of one tier; a second try of the same intent adds nothing.

    Attributes:
        seats: Seats wanted by all intents together.
        open: Intents of which a try ended without an order, with the seats that they wanted.
        refused: Those of them that were told no, for certain.
        served: Intents that got an order by a try after the first.
    """

    def __init__(self) -> None:
        self.seats = 0
        self.open: dict[str, int] = {}
        self.refused: set[str] = set()
        self.served: set[str] = set()
        self.last_sent_s = 0.0


class _SellsOut:
    def __init__(self, _: NoParams) -> None:
        self.tiers: defaultdict[int, _Demand] = defaultdict(_Demand)

    def feed(self, op: Operation) -> None:
        if op.tier is None or op.sent is None or op.reason == "key_reused":  # a mistake of the client, no demand
            return
        demand = self.tiers[op.tier]
        demand.last_sent_s = max(demand.last_sent_s, op.sent)
        first = op.attempt == 1
        if first:
            demand.seats += op.quantity
        if op.outcome is not OK:
            demand.open[op.key or op.id] = op.quantity
            if told_no(op):
                demand.refused.add(op.key or op.id)
        elif not first:
            demand.served.add(op.key)

    def finish(self, context: Context) -> Finding:
        in_demand = [
            tier for tier in context.world.tiers if tier.tier_id in self.tiers and self._wanted(tier) > tier.capacity
        ]
        if not in_demand:
            return self._too_little(context)
        taken, refused_later = claimed_seats(context.state), _turned_away(context.state)
        for tier in in_demand:
            free = tier.capacity - taken[tier.tier_id]
            demand = self.tiers[tier.tier_id]
            turned_away = refused_later[tier.tier_id]
            sellable = free - self._given_back_late(context, tier, demand, turned_away)
            held_keys = {o.client_key for o in context.state.orders if o.tier_id == tier.tier_id and o.status in LIVE}
            served = (demand.served - turned_away.keys()) | held_keys
            unsatisfied = demand.open | turned_away
            fitting = sorted(key for key, seats in unsatisfied.items() if 0 < seats <= sellable and key not in served)
            if fitting:
                why = next(iter(context.busy.values()), "")
                if why and not any(key in demand.refused or key in turned_away for key in fitting):
                    return SAY.inconclusive(f"{free} seats are left, and no intent was refused, but {why}")
                return SAY.violated(
                    f"{free} seats are left although {len(fitting)} intents that would have fitted got none",
                    f"{taken[tier.tier_id]} of {tier.capacity} seats sold, {demand.seats} wanted",
                    examples=fitting,
                    where=f"tier {tier.tier_id} ({tier.event_slug})",
                    figures={
                        "seats_sold": taken[tier.tier_id],
                        "capacity": tier.capacity,
                        "seats_wanted": demand.seats,
                        "seats_free": free,
                    },
                    counterexample=Counterexample(
                        says=f"this intent wanted {unsatisfied[fitting[0]]} seats and got none; "
                        f"{free} of {tier.capacity} were left in the end",
                        keys=(fitting[0],),
                        tiers=(tier.tier_id,),
                    ),
                )
        first = in_demand[0]
        sold, wanted = taken[first.tier_id], self._wanted(first)
        measured = f"{sold} of {first.capacity} seats sold, {wanted} wanted in tier {first.tier_id}"
        return SAY.held_if_settled(
            context, measured, {"seats_sold": sold, "capacity": first.capacity, "seats_wanted": wanted}
        )

    def _wanted(self, tier: SeededTier) -> int:
        return self.tiers[tier.tier_id].seats

    def _too_little(self, context: Context) -> Finding:
        asked = [tier for tier in context.world.tiers if tier.tier_id in self.tiers]
        if not asked:
            return SAY.inconclusive("no seat was asked for")
        nearest = max(asked, key=lambda tier: self._wanted(tier) / max(tier.capacity, 1))
        wanted = self._wanted(nearest)
        return SAY.inconclusive(
            f"demand never exceeded stock (tier {nearest.tier_id}: {wanted} seats wanted of {nearest.capacity}): "
            "raise the arrivals or lower `seats`",
            figures={"seats_wanted": wanted, "capacity": nearest.capacity},
        )

    @staticmethod
    def _given_back_late(context: Context, tier: SeededTier, demand: _Demand, turned_away: Mapping[str, int]) -> int:
        last_ask_unix_s = context.t0_unix_s + demand.last_sent_s
        return sum(
            order.quantity
            for order in context.state.orders
            if order.tier_id == tier.tier_id
            and order.status not in LIVE
            and order.updated_unix_s > last_ask_unix_s
            and order.client_key not in turned_away
        )


def _turned_away(state: EndState) -> defaultdict[int, dict[str, int]]:
    """Tier → keys and seats of orders that the shop refused after it had accepted them, and not the gateway."""
    by_the_gateway = {call.order_id for call in state.gateway_calls if call.status in REFUSED_FOR_GOOD}
    found: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for order in state.orders:
        if order.status == "refused" and order.order_id not in by_the_gateway:
            found[order.tier_id][order.client_key] = order.quantity
    return found


KIND = InvariantKind(
    name="sells_out",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=ORDERS,
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"orders", "tickets", "world", *TIMES}),
    reducer=_SellsOut,
    by_the_clock=True,
)
