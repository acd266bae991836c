"""Every charge takes what the order costs: the tier's price times the seats that the client asked for.

The amount of each charge in the gateway's ledger is compared with the seeded price of the tier times the seats of the
request whose answer named the order, else of the order's own row. The order's own amount has to be the same.
Inconclusive when there was no such charge.
"""

from __future__ import annotations

from chaos.invariants._common import OK, ORDERS, NoParams, Say, first_order
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Finding

SAY = Say("charged_what_it_costs", "each charge and each order's amount = price × seats asked for")


class _ChargedWhatItCosts:
    def __init__(self, _: NoParams) -> None:
        self.asked: dict[str, set[tuple[int, int]]] = {}
        """Order → (tier, seats) of the requests that were answered with it; several when the shop mixes up keys."""

    def feed(self, op: Operation) -> None:
        if op.tier is not None and op.outcome is OK and op.order:
            self.asked.setdefault(op.order, set()).add((op.tier, op.quantity))

    def finish(self, context: Context) -> Finding:
        state = context.state
        price = {tier.tier_id: tier.price_cents for tier in context.world.tiers}
        orders = {order.order_id: order for order in state.orders}
        wrong_charges, wrong_orders, judged = list[str](), list[str](), 0

        def costs(order_id: str) -> set[int] | None:
            """The amounts that the order may cost; None when they are not known."""
            asked = self.asked.get(order_id) or {(o.tier_id, o.quantity) for o in [orders.get(order_id)] if o}
            found = {price[tier] * seats for tier, seats in asked if tier in price}
            return found or None

        for charge in state.charges:
            if (right := costs(charge.order_id)) is not None:
                judged += 1
                if charge.amount_cents not in right:
                    wrong_charges.append(charge.order_id)
        for order in state.orders:
            if (right := costs(order.order_id)) is not None and order.amount_cents not in right:
                wrong_orders.append(order.order_id)
        figures = {"charges": judged, "charges_wrong": len(wrong_charges), "orders_wrong": len(wrong_orders)}
        measured = f"{judged} charges judged, {len(wrong_charges)} of another amount"
        if wrong_charges or wrong_orders:
            reason = f"{len(wrong_charges)} charges and {len(wrong_orders)} orders are of another amount than they cost"
            examples = sorted({*wrong_charges, *wrong_orders})
            one = first_order({"wrong": examples}, {"wrong": "charged, or written down, with another amount"}, orders)
            return SAY.violated(reason, measured, examples=examples, figures=figures, counterexample=one)
        if not judged:
            return SAY.inconclusive("there was no charge of a known order", figures=figures)
        return SAY.held_if_settled(context, measured, figures)


KIND = InvariantKind(
    name="charged_what_it_costs",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=ORDERS,
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"world", "orders", "charges"}),
    reducer=_ChargedWhatItCosts,
)
