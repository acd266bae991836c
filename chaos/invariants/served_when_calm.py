"""Before any fault, customers are served: asks for seats in the first phase are accepted, charged, and get tickets.

The liveness partner of every safety check: an API that denies everybody, answers 503 to all, or accepts and never pays
or delivers violates no safety invariant. By the rules of scenarios the first phase has no fault, and the world starts
unsold. Violated when at least *asks_at_least* asks that a tier had room for were sent there and none was accepted; when
most of the orders accepted there, and not cancelled, were never charged; or when most of those that are paid have no
ticket. `charged_exactly_once` and `tickets_exactly_once` look at each single order. Inconclusive with fewer asks.
That none was accepted is inconclusive on a machine without CPU, which gives 5xx and no answer, unless so many were
refused.
"""

from __future__ import annotations

from pydantic import Field

from chaos.invariants._common import OK, ORDERS, Say, told_no
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.strict import StrictModel
from chaos.model.verdict import Counterexample, Finding

SAY = Say("served_when_calm", "in the first phase, before any fault, orders are accepted, charged and get tickets")


class CalmParams(StrictModel):
    """How many asks are enough to judge that none was accepted."""

    asks_at_least: int = Field(5, ge=1, le=10_000, description="Fewer asks in the first phase are inconclusive.")


class _ServedWhenCalm:
    def __init__(self, params: CalmParams) -> None:
        self.asks_at_least = params.asks_at_least
        self.asks: list[tuple[str, int, int, str]] = []
        """Phase, tier, seats, operation id of each first ask."""
        self.refused: set[str] = set()
        """Operation ids of asks that were certainly refused, which no busy machine does."""
        self.accepted: dict[str, str] = {}
        """Operation id of an accepted ask → its order."""

    def feed(self, op: Operation) -> None:
        if op.tier is None or op.sent is None or op.attempt != 1:
            return
        self.asks.append((op.phase, op.tier, op.quantity, op.id))
        if op.outcome is OK:
            self.accepted[op.id] = op.order
        elif told_no(op):
            self.refused.add(op.id)

    def finish(self, context: Context) -> Finding:
        if not context.phases:
            return SAY.inconclusive("the phases are not known")
        calm = context.phases[0].name
        room = {tier.tier_id: tier.capacity for tier in context.world.tiers}
        asks = [id_ for phase, tier, seats, id_ in self.asks if phase == calm and seats <= room.get(tier, 0)]
        accepted = [self.accepted[id_] for id_ in asks if id_ in self.accepted]
        status = {order.order_id: order.status for order in context.state.orders}
        wanted = {order for order in accepted if status.get(order) != "cancelled"}
        charged = wanted & {charge.order_id for charge in context.state.charges}
        paid = {order for order in wanted if status.get(order) == "paid"}
        delivered = paid & {ticket.order_id for ticket in context.state.tickets}
        figures = {
            "asks": len(asks),
            "accepted": len(accepted),
            "charged": len(charged),
            "with_tickets": len(delivered),
        }
        measured = (
            f"{len(accepted)} of {len(asks)} asks accepted, {len(charged)} of {len(wanted)} charged, "
            f"{len(delivered)} of {len(paid)} paid ones with tickets"
        )
        if len(asks) < self.asks_at_least:
            reason = f"{len(asks)} asks in {calm} are too few to tell, expected {self.asks_at_least}"
            return SAY.inconclusive(reason, measured, figures=figures)
        if not accepted:
            reason = f"not one of {len(asks)} asks was accepted, without any fault"
            one = Counterexample(says="asked for seats that were free, without any fault", operations=tuple(asks))
            if (why := context.busy.get(calm)) and len(self.refused.intersection(asks)) < self.asks_at_least:
                return SAY.inconclusive(f"{reason}, but {why}", measured, figures=figures)
            return SAY.violated(reason, measured, examples=asks, where=calm, figures=figures, counterexample=one)
        for what, due, done in (("charged", wanted, charged), ("given a ticket", paid, delivered)):
            short = sorted(due - done)
            if 2 * len(short) <= len(due):
                continue
            said = f"{len(short)} of {len(due)} orders that were accepted without any fault were never {what}"
            if not context.overdue:
                why = context.starved or "the stack was not healthy"
                return SAY.inconclusive(f"{said}, but {why}", measured, figures=figures)
            one = Counterexample(says=f"accepted without any fault, and never {what}", orders=tuple(short))
            return SAY.violated(said, measured, examples=short, where=calm, figures=figures, counterexample=one)
        return SAY.held(measured, figures)


KIND = InvariantKind(
    name="served_when_calm",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=CalmParams,
    ops=ORDERS,
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"world", "charges", "orders", "tickets"}),
    reducer=_ServedWhenCalm,
)
