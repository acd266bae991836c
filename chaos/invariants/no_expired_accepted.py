"""An access token is refused once its lifetime is over, whatever its own `exp` claim says.

The lifetime is the one that `prepare` asked for, counted from the answer that brought the token, by the load driver's
clock; the API's own `exp` claim is not trusted. `leeway` is how far two clocks may differ; here both sides share
one, so the default is a second, for a claim in whole seconds. Violated by a 2xx for a request sent later than that.
Inconclusive when no expired token had a definite answer.
"""

from __future__ import annotations

from pydantic import Field

from chaos.invariants._auth import refused
from chaos.invariants._common import MAX_EXAMPLES, OK, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.accounts import EXPIRED
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.strict import StrictModel
from chaos.model.units import Seconds
from chaos.model.verdict import Finding

SAY = Say("no_expired_accepted", "no access token is accepted after its lifetime")


class Leeway(StrictModel):
    """How far two clocks may differ."""

    leeway: Seconds = Field(1.0, ge=0, le=60, description="What a clock may be off by.")


class _NoExpiredAccepted:
    def __init__(self, params: Leeway) -> None:
        self.leeway_s = params.leeway
        self.refused = self.accepted = 0
        self.latest_s = 0.0
        self.examples: list[str] = []

    def feed(self, op: Operation) -> None:
        if op.state != EXPIRED or op.expires is None or op.sent is None or op.sent <= op.expires + self.leeway_s:
            return
        if op.outcome is OK:
            self.accepted += 1
            self.latest_s = max(self.latest_s, op.sent - op.expires)
            if len(self.examples) < MAX_EXAMPLES:
                self.examples.append(op.id)
        elif refused(op):
            self.refused += 1

    def finish(self, context: Context) -> Finding:
        figures = {"refused": self.refused, "accepted": self.accepted}
        measured = f"expired tokens: {self.refused} refused, {self.accepted} accepted"
        if self.accepted:
            reason = f"{self.accepted} expired tokens were accepted, up to {self.latest_s:.1f} s after their lifetime"
            return SAY.violated(reason, measured, examples=self.examples, figures=figures)
        if not self.refused:
            return SAY.inconclusive("no expired token had a definite answer", measured, figures=figures)
        return SAY.held(measured, figures)


KIND = InvariantKind(
    name="no_expired_accepted",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=Leeway,
    ops=None,
    requires_ops=frozenset(),
    witnesses=frozenset(),
    reducer=_NoExpiredAccepted,
    by_the_clock=True,
)
