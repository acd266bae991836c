"""An order that was accepted is settled soon: final within `within` of its acceptance or of the last lift.

The later of the two counts: an outage may delay an order, and after the outage the order has to become final. It is
stricter than `no_lost_orders`, which waits as long as the scenario's promise. Violated by an order that became final
later or, on a healthy stack, not at all, whichever operation placed it. A cancelled order counts as settled.
Inconclusive when none was accepted.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from chaos.invariants._common import FINAL, OK, ORDERS, TIMES, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.evidence import Order
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.strict import StrictModel
from chaos.model.units import Seconds
from chaos.model.verdict import Counterexample, Finding

NAME = "accepted_then_settled"
EXPECTED = "every accepted order is final soon after its acceptance or the last lift"


class Params(StrictModel):
    """Own keys of the invariant.

    Attributes:
        within: Seconds after acceptance, or after the last lift.
    """

    within: Seconds = Field(10.0, gt=0, description="How long an order may take, counted from the last lift at least.")


class _AcceptedThenSettled:
    def __init__(self, params: Params) -> None:
        self.within_s = params.within
        self.accepted_s: dict[str, float] = {}

    def feed(self, op: Operation) -> None:
        if op.outcome is OK and op.order and op.ended is not None:
            self.accepted_s.setdefault(op.order, op.ended)

    def finish(self, context: Context) -> Finding:
        """A measurement of time, so it is inconclusive in a run that was disturbed or on a busy machine."""
        return replace(self._finding(context), exact=False)

    def _finding(self, context: Context) -> Finding:
        say = Say(NAME, f"{EXPECTED}: within {self.within_s:g} s")
        if not self.accepted_s:
            return say.inconclusive("no order was accepted, so none had to be settled")
        took_s: dict[str, float] = {}
        pending = []
        for order in context.state.orders:
            if order.order_id not in self.accepted_s:
                continue
            if order.status in FINAL:
                took_s[order.order_id] = self._took_s(order, context)
            else:
                pending.append(order.order_id)
        absent = len(self.accepted_s) - len(took_s) - len(pending)
        late = sorted((id_ for id_, s in took_s.items() if s > self.within_s), key=lambda id_: -took_s[id_])
        slowest_s = max(took_s.values(), default=0.0)
        figures = {"accepted": len(self.accepted_s), "late": len(late), "not_final": len(pending), "absent": absent}
        missed = len(late) + len(pending) + absent
        measured = f"{len(self.accepted_s)} accepted, slowest {slowest_s:.1f} s, {missed} not in time"
        if late or absent or (pending and context.overdue):
            reason = f"{len(late)} orders were settled late, {len(pending)} not at all, {absent} do not exist"
            worst = [*late, *pending]
            says = (
                f"it was settled {slowest_s:.1f} s after its acceptance or the last lift"
                if late
                else "it was never settled"
            )
            return say.violated(
                reason,
                measured,
                examples=worst,
                figures=figures,
                counterexample=Counterexample(says=says, orders=tuple(worst[:1])) if worst else None,
            )
        if pending:
            return say.inconclusive(
                f"{len(pending)} orders were not final, but the stack was not healthy enough to finish them",
                measured,
                examples=pending,
                figures=figures,
            )
        return say.held(measured, figures)

    def _took_s(self, order: Order, context: Context) -> float:
        if order.status == "cancelled":  # its last change is the customer's cancel, which may come at any time
            return 0.0
        since_s = max(self.accepted_s[order.order_id], context.lifted_s or 0.0)
        return max(0.0, order.updated_unix_s - context.t0_unix_s - since_s)


KIND = InvariantKind(
    name=NAME,
    doc=first_paragraph(__doc__),
    expected=EXPECTED,
    params=Params,
    ops=ORDERS,
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"orders", *TIMES}),
    reducer=_AcceptedThenSettled,
)
