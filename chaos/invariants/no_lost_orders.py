"""Every order that the shop accepted exists in the end and is final: paid, refused or cancelled.

Accepted means that a client got 2xx for it. Violated when an accepted order is not in the database (an answer without
an order id is looked up by its client key), or when it is not final although the promised time of the contract is over
and canaries and a worker's ping show that the stack was healthy. An order that is not final because the stack was not
healthy, because the settling was ended early, or while messages waited on a saturated machine, is inconclusive: the
promise could not be kept then. Inconclusive when no order was accepted.
"""

from __future__ import annotations

from chaos.invariants._common import FINAL, OK, ORDERS, NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Counterexample, Finding

SAY = Say("no_lost_orders", "every accepted order exists and is final (paid, refused or cancelled)")


class _NoLostOrders:
    def __init__(self, _: NoParams) -> None:
        self.accepted: set[str] = set()
        self.unnamed: dict[str, str] = {}

    def feed(self, op: Operation) -> None:
        if op.tier is None or op.outcome is not OK:
            return
        if op.order:
            self.accepted.add(op.order)
        else:
            self.unnamed[op.key or op.id] = op.id

    def finish(self, context: Context) -> Finding:
        if not self.accepted and not self.unnamed:
            return SAY.inconclusive("no order was accepted, so none could be lost")
        accepted = len(self.accepted) + len(self.unnamed)
        absent, pending = set(self.accepted), []
        unnamed = dict(self.unnamed)
        for order in context.state.orders:
            mine = order.order_id in absent
            if mine:
                absent.discard(order.order_id)
            mine = unnamed.pop(order.client_key, None) is not None or mine
            if mine and order.status not in FINAL:
                pending.append(order.order_id)
        gone = sorted(absent) + sorted(unnamed.values())
        pending.sort()
        figures = {"accepted": accepted, "absent": len(gone), "not_final": len(pending)}
        measured = f"{accepted} accepted: {len(gone)} not in the database, {len(pending)} not final"
        waited = f"after settling for {context.state.settle_s:.3g} s"
        if gone or (pending and context.overdue):
            reasons = [f"{len(gone)} accepted orders do not exist"] if gone else []
            if pending:
                reasons.append(f"{len(pending)} accepted orders were still not final {waited}")
            return SAY.violated(
                " and ".join(reasons),
                measured,
                examples=[*gone, *pending],
                figures=figures,
                counterexample=self._one(sorted(absent), sorted(unnamed.values()), pending, waited),
            )
        if pending:
            why = context.starved or (
                "it was ended by hand" if context.state.cut else "the stack was not healthy enough to finish them"
            )
            reason = f"{len(pending)} orders were not final {waited}, but {why}"
            return SAY.inconclusive(reason, measured, examples=pending, figures=figures)
        return SAY.held_if_settled(context, measured, figures)

    @staticmethod
    def _one(absent: list[str], unnamed: list[str], pending: list[str], waited: str) -> Counterexample:
        """A counterexample with one order: the first that is missing or not final."""
        if absent or unnamed:
            says = "the client was told that this order is accepted, and the database does not have it"
            return Counterexample(says=says, orders=tuple(absent[:1]), operations=() if absent else tuple(unnamed[:1]))
        return Counterexample(says=f"accepted, and still not final {waited}", orders=tuple(pending[:1]))


KIND = InvariantKind(
    name="no_lost_orders",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=ORDERS,
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"orders"}),
    reducer=_NoLostOrders,
)
