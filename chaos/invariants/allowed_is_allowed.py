"""No allowed request was refused: the liveness partner of the checks that want refusals.

Violated by a 401, 403, 404 or 429 for an operation that the lab sent as `valid`: with a session that was not ended, an
access token within its lifetime, the caller's own object, the right password. Any other failure (5xx, no answer) is
unknown here; the success ratio judges it. Inconclusive when not a single valid request succeeded.
"""

from __future__ import annotations

from collections import Counter

from chaos.invariants._auth import refused
from chaos.invariants._common import MAX_EXAMPLES, OK, NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.accounts import ENDS_SESSION, VALID
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Finding

SAY = Say("allowed_is_allowed", "no request that is allowed is refused")


class _AllowedIsAllowed:
    def __init__(self, _: NoParams) -> None:
        self.let_in: Counter[str] = Counter()
        self.turned_away: Counter[str] = Counter()
        self.unknown = 0
        self.examples: list[str] = []

    def feed(self, op: Operation) -> None:
        if op.state not in (VALID, ENDS_SESSION) or op.sent is None:
            return
        if op.outcome is OK:
            self.let_in[op.op] += 1
        elif refused(op):
            self.turned_away[op.op] += 1
            if len(self.examples) < MAX_EXAMPLES:
                self.examples.append(op.id)
        else:
            self.unknown += 1

    def finish(self, context: Context) -> Finding:
        let_in, turned_away = self.let_in.total(), self.turned_away.total()
        figures = {"let_in": let_in, "turned_away": turned_away, "unknown": self.unknown}
        measured = f"{let_in} let in, {turned_away} turned away, {self.unknown} unknown"
        if turned_away:
            worst = ", ".join(f"{op} {times}" for op, times in self.turned_away.most_common(3))
            reason = f"{turned_away} requests that are allowed were refused ({worst})"
            return SAY.violated(reason, measured, examples=self.examples, figures=figures)
        if not let_in:
            return SAY.inconclusive("no request that is allowed had an answer", measured, figures=figures)
        return SAY.held(measured, figures)


KIND = InvariantKind(
    name="allowed_is_allowed",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=None,
    requires_ops=frozenset(),
    witnesses=frozenset(),
    reducer=_AllowedIsAllowed,
    by_the_clock=True,
)
