"""Once a session is known to have ended (logout, new password, refresh token reused), none of its tokens is accepted.

Known means that the client has the answer: a request that was sent before that answer may be accepted, and so may any
after an ending without an answer (`info`: unknown). Both times are the load driver's own, by one clock, so no
leeway is needed. Violated by any 2xx for a token that the lab knows to be revoked. Inconclusive when no request with a
revoked token had a definite answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import inf

from chaos.invariants._auth import refused
from chaos.invariants._common import OK, NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.accounts import ENDS_SESSION, REVOKED, USED_UP
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Finding

SAY = Say("no_accepted_after_revocation", "no token of a session that has ended is accepted")
BEFORE_THE_LOAD = -inf
"""When the tokens of deleted, disabled and changed accounts were revoked."""


class _NoAcceptedAfterRevocation:
    def __init__(self, _: NoParams) -> None:
        self.ended_s: dict[str, float] = {}
        self.accepted: dict[str, list[tuple[float, str]]] = defaultdict(list)
        self.tried: dict[str, list[float]] = defaultdict(list)

    def feed(self, op: Operation) -> None:
        if op.sent is None or not op.token:
            return
        ends = (op.state == ENDS_SESSION and op.outcome is OK) or (op.state == USED_UP and refused(op))
        if ends and op.ended is not None:
            self.ended_s[op.token] = min(op.ended, self.ended_s.get(op.token, inf))
        if op.state == REVOKED:
            if op.outcome is OK:
                self.accepted[op.token].append((op.sent, op.id))
            elif refused(op):
                self.tried[op.token].append(op.sent)

    def finish(self, context: Context) -> Finding:
        accepted = sorted(self._after(self.accepted))
        refusals = sum(1 for token, times in self.tried.items() for sent in times if sent > self._ended(token))
        ended = len(self.ended_s)
        figures = {"sessions_ended": ended, "refused": refusals, "accepted": len(accepted)}
        measured = f"{ended} sessions ended; afterwards {refusals} requests refused, {len(accepted)} accepted"
        if accepted:
            sessions = len({token for _, _, token in accepted})
            reason = f"{len(accepted)} requests with tokens of {sessions} ended sessions were accepted"
            return SAY.violated(reason, measured, examples=[id_ for _, id_, _ in accepted], figures=figures)
        if not refusals:
            return SAY.inconclusive("nothing revoked had a definite answer", measured, figures=figures)
        return SAY.held(measured, figures)

    def _ended(self, token: str) -> float:
        """When the session ended. One whose end is not in the history was ended by the lab before the load."""
        return self.ended_s.get(token, BEFORE_THE_LOAD)

    def _after(self, uses: dict[str, list[tuple[float, str]]]) -> Iterator[tuple[float, str, str]]:
        for token, sent_ids in uses.items():
            for sent, id_ in sent_ids:
                if sent > self._ended(token):
                    yield sent, id_, token


KIND = InvariantKind(
    name="no_accepted_after_revocation",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=None,
    requires_ops=frozenset(),
    witnesses=frozenset(),
    reducer=_NoAcceptedAfterRevocation,
    by_the_clock=True,
)
