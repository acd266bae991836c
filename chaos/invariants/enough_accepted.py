"""Enough asks for seats are accepted: of those that a tier certainly had room for, at least the share `at_least`.

The liveness partner of the safety checks where demand does not exceed stock, since `sells_out` can't judge that. An
ask counts when, at the latest moment at which it may have been answered, all seats that had been asked for so far
left room for it; second tries don't count. Asks that had no answer, or a 5xx, were not accepted. `phases` leaves out
those in which the scenario breaks what an order needs. It measures success, so a saturated machine makes it
inconclusive, as it does an SLO. Inconclusive with fewer than 10 such asks.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from chaos.invariants._common import OK, ORDERS, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.invariants._seats import Asks
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.strict import StrictModel
from chaos.model.units import Ratio
from chaos.model.verdict import Counterexample, Finding

NAME = "enough_accepted"
EXPECTED = "of the asks that a tier had room for, enough are accepted"
LEAST_ASKS = 10


class ShareParams(StrictModel):
    """The least share, and the phases in which it is measured."""

    at_least: Ratio = Field(0.9, gt=0, description="Share of the asks that had room.")
    phases: list[str] = Field([], description="Phases whose asks count; none given: all.")


class _EnoughAccepted:
    def __init__(self, params: ShareParams) -> None:
        self.params = params
        self.asks = Asks()
        self.first: list[tuple[int, float, int, bool, str]] = []
        """Tier, the latest moment of an answer, seats, accepted, operation id."""

    def feed(self, op: Operation) -> None:
        self.asks.feed(op)
        if op.tier is None or op.sent is None or op.attempt != 1:
            return
        if not self.params.phases or op.phase in self.params.phases:
            until_s = op.sent if op.ended is None else op.ended
            self.first.append((op.tier, until_s, op.quantity, op.outcome is OK, op.id))

    def finish(self, context: Context) -> Finding:
        """A measurement of success, so it is inconclusive in a run that was disturbed or on a busy machine."""
        return replace(self._finding(context), exact=False)

    def _finding(self, context: Context) -> Finding:
        where = f" in {', '.join(self.params.phases)}" if self.params.phases else ""
        say = Say(NAME, f"{EXPECTED}: at least {self.params.at_least * 100:g} %{where}")
        self.asks.finish()
        tiers = context.world.by_tier
        # `most_taken` includes the ask itself, unless it was refused as sold out; its seats are added nevertheless.
        had_room = [
            (accepted, id_)
            for tier, until_s, seats, accepted, id_ in self.first
            if tier in tiers and self.asks.most_taken(tier, until_s) + seats <= tiers[tier].capacity
        ]
        accepted = sum(ok for ok, _ in had_room)
        figures = {"asks": len(self.first), "had_room": len(had_room), "accepted": accepted}
        measured = f"{accepted} of {len(had_room)} asks that had room accepted"
        if len(had_room) < LEAST_ASKS:
            reason = f"{len(had_room)} asks that had room are too few to tell, expected {LEAST_ASKS}"
            return say.inconclusive(reason, measured, figures=figures)
        if accepted < self.params.at_least * len(had_room):
            turned_away = [id_ for ok, id_ in had_room if not ok]
            one = Counterexample(says="asked for seats that were free, and got none", operations=tuple(turned_away))
            reason = f"{len(turned_away)} of {len(had_room)} asks that had room were not accepted"
            phases = self.params.phases or context.busy
            if why := next((context.busy[phase] for phase in phases if phase in context.busy), ""):
                return say.inconclusive(f"{reason}, but {why}", measured, figures=figures)
            return say.violated(reason, measured, examples=turned_away, figures=figures, counterexample=one)
        return say.held(measured, figures)


KIND = InvariantKind(
    name=NAME,
    doc=first_paragraph(__doc__),
    expected=EXPECTED,
    params=ShareParams,
    ops=ORDERS,
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"world"}),
    reducer=_EnoughAccepted,
)
