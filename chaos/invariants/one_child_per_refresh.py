"""A refresh token is exchanged for exactly one new pair, however often and however concurrently it is sent.

Violated when more than one exchange of the same token got a pair, and also when all of them were refused, since a race
without a winner locks the customer out. An exchange without an answer may have got the pair, so with one of those a
race without a winner is not claimed. Inconclusive when no token was sent twice.
"""

from __future__ import annotations

from collections import defaultdict

from chaos.invariants._auth import refused
from chaos.invariants._common import OK, NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.accounts import RACE
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Finding

SAY = Say("one_child_per_refresh", "of all exchanges of one refresh token exactly one succeeds")


class _OneChild:
    def __init__(self, _: NoParams) -> None:
        self.sent: dict[str, int] = defaultdict(int)
        self.won: dict[str, list[str]] = defaultdict(list)
        self.refused: dict[str, int] = defaultdict(int)

    def feed(self, op: Operation) -> None:
        if op.state != RACE or op.sent is None:
            return
        self.sent[op.key] += 1
        if op.outcome is OK:
            self.won[op.key].append(op.id)
        elif refused(op):
            self.refused[op.key] += 1

    def finish(self, context: Context) -> Finding:
        races = {key for key, times in self.sent.items() if times > 1}
        several = {key: ids for key, ids in self.won.items() if len(ids) > 1}
        nobody = sorted(key for key in races if self.refused[key] == self.sent[key])
        unknown = sum(1 for key in races if key not in self.won and key not in nobody)
        most = max((len(ids) for ids in self.won.values()), default=0)
        figures = {
            "races": len(races),
            "with_several": len(several),
            "with_nobody": len(nobody),
            "undecided": unknown,
            "most_successes": most,
        }
        measured = f"{len(races)} races: {len(several)} with several winners (at most {most}), {len(nobody)} with none"
        if several or nobody:
            reasons = [f"{len(several)} refresh tokens bought more than one pair"] if several else []
            reasons += [f"{len(nobody)} races were refused to everybody"] if nobody else []
            examples = [id_ for ids in several.values() for id_ in ids] + nobody
            return SAY.violated(" and ".join(reasons), measured, examples=examples, figures=figures)
        if not races:
            return SAY.inconclusive("no refresh token was sent more than once", figures=figures)
        if unknown == len(races):
            return SAY.inconclusive("no race had an answer that tells who won it", measured, figures=figures)
        return SAY.held(measured, figures)


KIND = InvariantKind(
    name="one_child_per_refresh",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=frozenset({"refresh_race"}),
    requires_ops=frozenset({"refresh_race"}),
    witnesses=frozenset(),
    reducer=_OneChild,
    by_the_clock=True,
)
