"""Every answer of 400 or more is problem+json: by its content type, and by a body as RFC 9457 describes it.

Polls and double clicks count too, since a client reads all errors in one way. Violated by one HTML page, plain text or
another JSON shape. Inconclusive when there was no error, so that no shape was seen.
"""

from __future__ import annotations

from collections import Counter

from chaos.invariants._common import MAX_EXAMPLES, NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Counterexample, Finding

SAY = Say("error_shape", "every answer of 400 or more is problem+json")


class _ErrorShape:
    def __init__(self, _: NoParams) -> None:
        self.errors = 0
        self.others: Counter[str] = Counter()
        self.examples: list[str] = []
        self.first = ("", "")

    def feed(self, op: Operation) -> None:
        if op.status < 400:
            return
        self.errors += 1
        if op.problem:
            return
        shape = f"{op.status} {op.content_type or 'unknown type'}"
        self.others[shape] += 1
        if not self.examples:
            self.first = op.id, shape
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(op.id)

    def finish(self, context: Context) -> Finding:
        figures = {"errors": self.errors, "of_another_shape": self.others.total()}
        measured = f"{self.errors} errors, {self.others.total()} of another shape"
        if self.others:
            kinds = ", ".join(f"{times} × {kind}" for kind, times in self.others.most_common(4))
            commonest = self.others.most_common(1)[0][0]
            return SAY.violated(
                f"errors that are no problem+json: {kinds}",
                measured,
                examples=self.examples,
                figures=figures,
                counterexample=Counterexample(
                    says=f"it was answered {self.first[1]}, a client expects problem+json (most often: {commonest})",
                    operations=(self.first[0],),
                ),
            )
        if not self.errors:
            return SAY.inconclusive("no error was answered, so no shape was seen")
        if not context.history_complete:
            return SAY.inconclusive("the history is not complete, so an error may be missing", measured)
        return SAY.held(measured, figures)


KIND = InvariantKind(
    name="error_shape",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=None,
    requires_ops=frozenset(),
    witnesses=frozenset(),
    reducer=_ErrorShape,
)
