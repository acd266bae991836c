"""A cancelled order is refunded in full, has no ticket and stays cancelled; an order that may be cancelled can be.

An order counts as cancelled when a client was told so, or when the database says so. Then all that the gateway captured
for it has been refunded (by the gateway's ledger), it has no ticket, and the database says cancelled: a charge that
was under way must not make it paid again. Refusing to cancel an order that was never refused, with any 4xx, is
a violation too, so that a shop that cancels nothing does not pass. Money that is not refunded while the stack was
unhealthy is inconclusive. So is a run in which nothing was cancelled, or in which more than one cancel in twenty had an
unknown result and its order was not cancelled.
"""

from __future__ import annotations

from collections import Counter

from chaos.invariants._common import FAIL, OK, NoParams, Say, first_order
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Finding

SAY = Say("refund_for_cancelled", "each cancelled order is refunded in full, has no ticket and stays cancelled")

MAY_STAY_OPEN = 0.05
"""Share of the cancels; a run has a few dozen."""

_WORDS = {
    "kept": "cancelled orders whose money was kept",
    "admitted": "cancelled orders with tickets",
    "revived": "orders that did not stay cancelled",
    "denied": "orders that could have been cancelled and were refused",
}

_SAYS = {
    "kept": "cancelled, and the gateway kept money that it had taken for it",
    "admitted": "cancelled, and there are tickets for it",
    "revived": "the client was told that it is cancelled, and the database says something else",
    "denied": "it was never refused, and could not be cancelled",
}


class _RefundForCancelled:
    def __init__(self, _: NoParams) -> None:
        self.told: set[str] = set()
        self.denied: set[str] = set()
        self.asked: set[str] = set()

    def feed(self, op: Operation) -> None:
        if op.op == "cancel":
            self.asked.add(op.order)
        if op.outcome is OK and op.order_status == "cancelled":
            self.told.add(op.order)
        elif op.op == "cancel" and op.outcome is FAIL and op.status:  # 0: no answer, so no refusal
            self.denied.add(op.order)

    def finish(self, context: Context) -> Finding:
        state = context.state
        status = {order.order_id: order.status for order in state.orders}
        cancelled = self.told | {order_id for order_id, now in status.items() if now == "cancelled"}
        net: Counter[str] = Counter()
        for charge in state.charges:
            net[charge.order_id] += charge.amount_cents
        for refund in state.refunds:
            net[refund.order_id] -= refund.amount_cents
        with_tickets = {ticket.order_id for ticket in state.tickets}
        broken = {
            "kept": sorted(order_id for order_id in cancelled if net[order_id] > 0),
            "admitted": sorted(cancelled & with_tickets),
            "revived": sorted(order_id for order_id in self.told if status.get(order_id) != "cancelled"),
            "denied": sorted(order_id for order_id in self.denied if status.get(order_id) in {"pending", "paid"}),
        }
        figures = {f"orders_{name}": len(found) for name, found in broken.items()}
        left_open = sorted(self.asked - self.told - {o for o, now in status.items() if now in {"cancelled", "refused"}})
        figures |= {"cancelled": len(cancelled), "refunds": len(state.refunds), "left_open": len(left_open)}
        said = ", ".join(f"{len(found)} {_WORDS[name]}" for name, found in broken.items() if found)
        measured = f"{len(cancelled)} cancelled, {len(state.refunds)} refunds"
        if not said:
            if not cancelled:
                return SAY.inconclusive("nothing was cancelled, so nothing had to be refunded", figures=figures)
            if len(left_open) > MAY_STAY_OPEN * len(self.asked):
                reason = f"{len(left_open)} of {len(self.asked)} cancels got no answer that says what happened"
                return SAY.inconclusive(reason, measured, examples=left_open, figures=figures)
            return SAY.held_if_settled(context, f"{measured}, no money kept", figures)
        examples = [order_id for found in broken.values() for order_id in found[:4]]
        only_money = not any(found for name, found in broken.items() if name != "kept")
        if only_money and not (state.settled or context.overdue):
            return SAY.inconclusive(
                f"{said}, but the stack was not healthy enough to refund", measured, examples=examples, figures=figures
            )
        one = first_order(broken, _SAYS, status)
        return SAY.violated(said, f"{measured}: {said}", examples=examples, figures=figures, counterexample=one)


KIND = InvariantKind(
    name="refund_for_cancelled",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=frozenset({"buy_and_cancel", "cancel", "poll"}),
    requires_ops=frozenset({"cancel"}),
    witnesses=frozenset({"orders", "tickets", "charges", "refunds"}),
    reducer=_RefundForCancelled,
)
