"""A forged token, or one that was issued for somebody or something else, is never accepted.

The lab makes them from a good token: no signature, another key, a changed body, no expiry, another audience or issuer,
a refresh token in place of an access token, a role that is only in the token. Violated by any 2xx. Inconclusive when
one of the kinds that were tried never had a definite answer.
"""

from __future__ import annotations

from collections import Counter

from chaos.invariants._auth import refused
from chaos.invariants._common import MAX_EXAMPLES, OK, NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.accounts import FORGED
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Finding

SAY = Say("no_forged_accepted", "no forged token is accepted")


class _NoForgedAccepted:
    def __init__(self, _: NoParams) -> None:
        self.accepted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.tried: set[str] = set()
        self.examples: list[str] = []

    def feed(self, op: Operation) -> None:
        if not op.state.startswith(FORGED) or op.sent is None:
            return
        flaw = op.state.removeprefix(FORGED)
        self.tried.add(flaw)
        if op.outcome is OK:
            self.accepted[flaw] += 1
            if len(self.examples) < MAX_EXAMPLES:
                self.examples.append(op.id)
        elif refused(op):
            self.refused[flaw] += 1

    def finish(self, context: Context) -> Finding:
        accepted, refusals = self.accepted.total(), self.refused.total()
        figures = {"flaws": len(self.tried), "refused": refusals, "accepted": accepted}
        measured = f"{len(self.tried)} kinds of forged tokens: {refusals} refused, {accepted} accepted"
        if accepted:
            named = ", ".join(f"{flaw} {times}" for flaw, times in self.accepted.most_common())
            return SAY.violated(
                f"forged tokens were accepted ({named})", measured, examples=self.examples, figures=figures
            )
        if open_ := sorted(self.tried - self.refused.keys()):
            return SAY.inconclusive(f"no definite answer to {', '.join(open_)}", measured, figures=figures)
        if not refusals:
            return SAY.inconclusive("no forged token was tried", figures=figures)
        return SAY.held(measured, figures)


KIND = InvariantKind(
    name="no_forged_accepted",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=frozenset({"forged"}),
    requires_ops=frozenset({"forged"}),
    witnesses=frozenset(),
    reducer=_NoForgedAccepted,
)
