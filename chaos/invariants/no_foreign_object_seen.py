"""No customer is shown what belongs to another one: no order, no account, not by id and not in a list.

The owner of an order is read from the view `lab_orders`, not from answers of the API under test; the owner of an
account is its id. Violated by a 2xx that shows another customer's order or account, and by any 2xx for an operation
that asked for one. Inconclusive when no such request had a definite answer.
"""

from __future__ import annotations

from chaos.invariants._auth import refused
from chaos.invariants._common import OK, NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.accounts import FOREIGN, VALID
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Finding

SAY = Say("no_foreign_object_seen", "no customer is shown an order or account of another one")
CUSTOMERS_OPS = frozenset({"foreign_order", "own_list", "own_order", "me", "use", "buy", "poll"})


class _NoForeignObjectSeen:
    def __init__(self, _: NoParams) -> None:
        self.refused = self.own = 0
        self.foreign: list[str] = []
        self.orders: list[tuple[str, str, int]] = []

    def feed(self, op: Operation) -> None:
        if op.customer is None or op.sent is None:
            return
        if op.outcome is OK:
            if op.state == FOREIGN or (op.shown is not None and op.shown != op.customer):
                self.foreign.append(op.id)
            elif op.order:
                self.orders.append((op.id, op.order, op.customer))
            elif op.state == VALID:
                self.own += 1
        elif op.state == FOREIGN and refused(op):
            self.refused += 1

    def finish(self, context: Context) -> Finding:
        owners = {order.order_id: order.customer_id for order in context.state.orders}
        foreign = [*self.foreign, *(id_ for id_, order, asker in self.orders if owners.get(order, asker) != asker)]
        own = self.own + len(self.orders)
        figures = {"refused": self.refused, "own": own, "foreign": len(foreign)}
        measured = f"{self.refused} questions for others' objects refused, {len(foreign)} answered; {own} own shown"
        if foreign:
            reason = f"{len(foreign)} answers showed what belongs to another customer"
            return SAY.violated(reason, measured, examples=foreign, figures=figures)
        if not self.refused:
            return SAY.inconclusive("no question for another's object had a definite answer", measured, figures=figures)
        return SAY.held(measured, figures)


KIND = InvariantKind(
    name="no_foreign_object_seen",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=CUSTOMERS_OPS,
    requires_ops=frozenset({"foreign_order"}),
    witnesses=frozenset({"orders"}),
    reducer=_NoForeignObjectSeen,
)
