"""A paid order has one ticket for each of its seats, every other order has none.

Judged by the contract's views after everything has settled. *Doubled*: more tickets than seats, or a ticket of an order
that is not paid or does not exist; *missing*: a paid order with fewer. If the world had not settled, a missing ticket
is inconclusive, and a ticket of a pending order is allowed. Inconclusive too when no order was paid.
"""

from __future__ import annotations

from collections import Counter

from chaos.invariants._common import ORDERS, NoParams, Say, first_order
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Finding

SAY = Say("tickets_exactly_once", "each paid order has one ticket per seat, each other order none")


class _TicketsExactlyOnce:
    def __init__(self, _: NoParams) -> None:
        """Nothing of the history is needed: tickets are in the end state."""

    def feed(self, op: Operation) -> None:
        """No operation is needed, since the orders in the end state tell who gets a ticket."""

    def finish(self, context: Context) -> Finding:
        tickets = Counter(ticket.order_id for ticket in context.state.tickets)
        worth = {o.order_id: o.quantity if o.status == "paid" else 0 for o in context.state.orders}
        # A worker that was stopped between the two may have issued tickets and not yet set the order to paid.
        open_ = [] if context.state.settled else [o for o in context.state.orders if o.status == "pending"]
        moving = {o.order_id: o.quantity for o in open_}
        paid = sum(1 for seats in worth.values() if seats)
        doubled = sorted(id_ for id_, issued in tickets.items() if issued > moving.get(id_, worth.get(id_, 0)))
        missing = sorted(order_id for order_id, seats in worth.items() if tickets[order_id] < seats)
        figures = {
            "paid": paid,
            "tickets": tickets.total(),
            "orders_doubled": len(doubled),
            "orders_missing": len(missing),
        }
        measured = f"{tickets.total()} tickets for {paid} paid orders"
        if doubled or (missing and context.state.settled):
            reasons = [f"{len(doubled)} orders have tickets that they are not worth"] if doubled else []
            reasons += [f"{len(missing)} paid orders lack tickets"] if missing else []
            said = " and ".join(reasons)
            says = {"doubled": "more tickets than the order is worth", "missing": "paid, and fewer tickets than seats"}
            one = first_order({"doubled": doubled, "missing": missing}, says, worth)
            examples = [*doubled[:5], *missing[:5]]
            return SAY.violated(said, f"{measured}: {said}", examples=examples, figures=figures, counterexample=one)
        if missing:
            reason = f"{len(missing)} paid orders lacked tickets, but the world had not settled"
            return SAY.inconclusive(reason, measured, examples=missing, figures=figures)
        if not paid:
            return SAY.inconclusive("no order was paid, so there was no ticket to issue", measured, figures=figures)
        return SAY.held_if_settled(context, measured, figures)


KIND = InvariantKind(
    name="tickets_exactly_once",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=ORDERS,
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"orders", "tickets"}),
    reducer=_TicketsExactlyOnce,
)
