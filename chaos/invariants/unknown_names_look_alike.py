"""A login with an unknown name is answered exactly like a wrong password: status and body don't tell which exist.

Compared are status and body for names that exist and for names that don't. How long the answers take is not compared,
since under load the difference would be noise. Violated by an answer to an unknown name that a known one was never
given, and by a 401 for a known name that no unknown one was given. Other answers to known names don't count: an account
that is locked after many guesses is one. Nor do limits (429), errors (5xx) and no answer. Inconclusive when one kind
had no answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeAlias

from chaos.invariants._common import NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.accounts import GUESS, GUESS_UNKNOWN, TOO_MANY, UNAUTHENTICATED
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Finding

_Answer: TypeAlias = tuple[int, str]
"""Status and digest of the body."""
SAY = Say("unknown_names_look_alike", "an unknown name and a wrong password are answered alike")


class _UnknownNamesLookAlike:
    def __init__(self, _: NoParams) -> None:
        self.answers: dict[str, dict[_Answer, str]] = {GUESS: {}, GUESS_UNKNOWN: {}}

    def feed(self, op: Operation) -> None:
        if op.state in self.answers and op.digest and 200 <= op.status < 500 and op.status != TOO_MANY:
            self.answers[op.state].setdefault((op.status, op.digest), op.id)

    def finish(self, context: Context) -> Finding:
        known, unknown = self.answers[GUESS], self.answers[GUESS_UNKNOWN]
        figures = {"answers_for_known": len(known), "answers_for_unknown": len(unknown)}
        measured = f"{_said(known)} for names that exist, {_said(unknown)} for names that don't"
        if not known or not unknown:
            return SAY.inconclusive("one kind of name had no answer", measured, figures=figures)
        telling = (unknown.keys() - known.keys()) | {
            answer for answer in known.keys() - unknown.keys() if answer[0] == UNAUTHENTICATED
        }
        if telling:
            examples = [id_ for answer, id_ in {**known, **unknown}.items() if answer in telling]
            return SAY.violated(
                "the answer tells whether the name exists", measured, examples=examples, figures=figures
            )
        return SAY.held(measured, figures)


def _said(answers: Iterable[_Answer]) -> str:
    """`401`, `401 with 2 bodies`, `401, 404`; `nothing` without an answer."""
    counts = Counter(status for status, _ in answers)
    said = (f"{status} with {n} bodies" if n > 1 else str(status) for status, n in sorted(counts.items()))
    return ", ".join(said) or "nothing"


KIND = InvariantKind(
    name="unknown_names_look_alike",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=frozenset({"login_attack"}),
    requires_ops=frozenset({"login_attack"}),
    witnesses=frozenset(),
    reducer=_UnknownNamesLookAlike,
)
