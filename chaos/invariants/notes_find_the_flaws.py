"""The notes on drill 6's sample are graded against its key: recall weighted by severity, precision, and traps.

Notes and key are kept in the run's folder as they were when the run began. Inconclusive once the key was shown to the
learner.
"""

from __future__ import annotations

from chaos.errors import InvalidInput
from chaos.invariants._common import Say
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import OfExchanges, kind_of_exchanges
from chaos.invariants._written import Part, decided
from chaos.model.grading import CORE, STRETCH, grade
from chaos.model.verdict import Finding

SAY = Say("notes_find_the_flaws", "the notes on the sample reach the limits of this part of the drill")
LIMITS = {"core": CORE, "stretch": STRETCH}


class _NotesFindTheFlaws(OfExchanges[Part]):
    def finish(self, context: Context) -> Finding:
        review = context.review
        if review is None:
            return SAY.inconclusive("no notes are on record")
        limits = LIMITS[self.params.part]
        try:
            its = grade(review.notes, review.key)
        except InvalidInput as error:
            return SAY.inconclusive(str(error))
        figures = {"notes": len(its.notes), "matched": len(its.matched), "flaws": len(its.flaws)}
        return decided(
            SAY,
            seed=review.seed,
            revealed=review.revealed,
            reached=its.meets(limits),
            measured=its.against(limits),
            figures=figures,
            what="sample",
        )


KIND = kind_of_exchanges(
    SAY, __doc__, _NotesFindTheFlaws, sources=frozenset({"exploits"}), witnesses=frozenset({"review"}), params=Part
)
