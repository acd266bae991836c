"""A poll of an order's status is answered with the present status, not with an earlier one.

Violated when a poll was sent more than *after* after the order was final in the database (by `lab_orders`, and by the
database's clock, which is this machine's), and was answered 200 with `pending`. It detects answers from a cache that
never expires. Orders that were cancelled later count by their last change. Inconclusive without a poll that late.
"""

from __future__ import annotations

from pydantic import Field

from chaos.invariants._common import FINAL, OK, TIMES, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.strict import StrictModel
from chaos.model.units import Seconds
from chaos.model.verdict import Counterexample, Finding

SAY = Say("status_is_current", "a poll after the order is final says so")


class StaleParams(StrictModel):
    """How much lag is allowed."""

    after: Seconds = Field(1.0, description="A poll sent so long after the last change has to tell it.")


class _StatusIsCurrent:
    def __init__(self, params: StaleParams) -> None:
        self.after_s = params.after
        self.polls: list[tuple[str, float, str, str]] = []
        """Order, when it was sent, the status that was told, operation id."""

    def feed(self, op: Operation) -> None:
        if op.outcome is OK and op.sent is not None and op.order and op.order_status:
            self.polls.append((op.order, op.sent, op.order_status, op.id))

    def finish(self, context: Context) -> Finding:
        final = {o.order_id: o.updated_unix_s for o in context.state.orders if o.status in FINAL}
        late = [
            (status, id_)
            for order, sent_s, status, id_ in self.polls
            if order in final and context.t0_unix_s + sent_s > final[order] + self.after_s
        ]
        stale = [id_ for status, id_ in late if status not in FINAL]
        figures = {"polls": len(self.polls), "polls_late": len(late), "polls_stale": len(stale)}
        measured = f"{len(late)} polls of final orders, {len(stale)} told an older status"
        if stale:
            reason = f"{len(stale)} polls were told that a final order is pending"
            one = Counterexample(
                says="asked after the order was final, and told that it is pending", operations=(stale[0],)
            )
            return SAY.violated(reason, measured, examples=stale, figures=figures, counterexample=one)
        if not late:
            return SAY.inconclusive("no poll came after its order was final", measured, figures=figures)
        return SAY.held(measured, figures)


KIND = InvariantKind(
    name="status_is_current",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=StaleParams,
    ops=frozenset({"poll"}),
    requires_ops=frozenset({"poll"}),
    witnesses=frozenset({"orders", *TIMES}),
    reducer=_StatusIsCurrent,
    by_the_clock=True,
)
