"""A login with an unknown name is answered exactly like a wrong password: status and body don't tell which exist.

Compared are the bodies of 401s for names that exist and for names that don't. How long the answers take is not
compared, since under load the difference would be noise. Violated when a body was given to one kind of name only.
Inconclusive when one of the two kinds had no 401.
"""

from __future__ import annotations

from chaos.invariants._common import NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.accounts import GUESS, GUESS_UNKNOWN, UNAUTHENTICATED
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Finding

SAY = Say("unknown_names_look_alike", "an unknown name and a wrong password are answered alike")


class _UnknownNamesLookAlike:
    def __init__(self, _: NoParams) -> None:
        self.answers: dict[str, dict[str, str]] = {GUESS: {}, GUESS_UNKNOWN: {}}

    def feed(self, op: Operation) -> None:
        if op.state in self.answers and op.status == UNAUTHENTICATED and op.digest:
            self.answers[op.state].setdefault(op.digest, op.id)

    def finish(self, context: Context) -> Finding:
        known, unknown = self.answers[GUESS], self.answers[GUESS_UNKNOWN]
        figures = {"bodies_for_known": len(known), "bodies_for_unknown": len(unknown)}
        measured = f"{len(known)} body for names that exist, {len(unknown)} for names that don't"
        if not known or not unknown:
            return SAY.inconclusive("one kind of name had no 401", measured, figures=figures)
        telling = known.keys() ^ unknown.keys()
        if telling:
            examples = [id_ for digest, id_ in {**known, **unknown}.items() if digest in telling]
            return SAY.violated(
                "the answer tells whether the name exists", measured, examples=examples, figures=figures
            )
        return SAY.held(measured, figures)


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
