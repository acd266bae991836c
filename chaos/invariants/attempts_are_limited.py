"""Of many passwords that are guessed at once for one name, only a few are looked at.

A guess was looked at when it was answered with 401 or let in; 429 means that it was not. Guesses are counted per name
over every window of `window`, by the time of sending. A limit by fixed windows may begin to count anew once within such
a window, so the scenario keeps an attack shorter than that. Violated when more than `limit` guesses were looked at, or
one was let in. A guess without an answer is unknown and is not counted. Inconclusive when no name was tried more than
`limit` times with a definite answer.
"""

from __future__ import annotations

from collections import defaultdict

from pydantic import Field

from chaos.invariants._common import FAIL, OK, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.accounts import GUESS, GUESS_UNKNOWN, TOO_MANY, UNAUTHENTICATED
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.strict import StrictModel
from chaos.model.units import Seconds
from chaos.model.verdict import Finding

SAY = Say("attempts_are_limited", "of many guesses for one name only a few are looked at")


class Allowance(StrictModel):
    """How many guesses are tolerable."""

    limit: int = Field(5, ge=1, le=1000, description="Guesses for one name that may be looked at in a window.")
    window: Seconds = Field(60.0, gt=0, le=3600, description="Length of the window.")


class _AttemptsAreLimited:
    def __init__(self, params: Allowance) -> None:
        self.limit, self.window_s = params.limit, params.window
        self.looked_at: dict[str, list[tuple[float, str]]] = defaultdict(list)
        self.held_off: dict[str, int] = defaultdict(int)
        self.let_in: list[str] = []

    def feed(self, op: Operation) -> None:
        if op.state not in (GUESS, GUESS_UNKNOWN) or op.sent is None:
            return
        if op.outcome is OK:
            self.let_in.append(op.id)
        elif op.outcome is FAIL and op.status == UNAUTHENTICATED:
            self.looked_at[op.token].append((op.sent, op.id))
        elif op.outcome is FAIL and op.status == TOO_MANY:
            self.held_off[op.token] += 1

    def finish(self, context: Context) -> Finding:
        worst = {name: self._most(sorted(guesses)) for name, guesses in self.looked_at.items()}
        beyond = {name: ids for name, ids in worst.items() if len(ids) > self.limit}
        most = max((len(ids) for ids in worst.values()), default=0)
        held_off = sum(self.held_off.values())
        figures = {"names": len(worst.keys() | self.held_off.keys()), "most_looked_at": most, "held_off": held_off}
        measured = f"at most {most} guesses looked at for one name in {self.window_s:g} s, {held_off} held off"
        if self.let_in or beyond:
            reasons = [f"{len(self.let_in)} guesses were let in"] if self.let_in else []
            reasons += [f"{len(beyond)} names had more than {self.limit} guesses looked at"] if beyond else []
            examples = [*self.let_in, *(id_ for ids in beyond.values() for id_ in ids)]
            return SAY.violated(" and ".join(reasons), measured, examples=examples, figures=figures)
        tried = [len(self.looked_at[name]) + self.held_off[name] for name in [*self.looked_at]]
        if max(tried, default=0) <= self.limit:
            reason = f"no name had more than {self.limit} guesses with a definite answer"
            return SAY.inconclusive(reason, measured, figures=figures)
        return SAY.held(measured, figures)

    def _most(self, guesses: list[tuple[float, str]]) -> list[str]:
        """The number of guesses in the fullest window."""
        best: list[str] = []
        first = 0
        for last, (sent, _) in enumerate(guesses):
            while guesses[first][0] <= sent - self.window_s:
                first += 1
            if last - first + 1 > len(best):
                best = [id_ for _, id_ in guesses[first : last + 1]]
        return best


KIND = InvariantKind(
    name="attempts_are_limited",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=Allowance,
    ops=frozenset({"login_attack"}),
    requires_ops=frozenset({"login_attack"}),
    witnesses=frozenset(),
    reducer=_AttemptsAreLimited,
    by_the_clock=True,
)
