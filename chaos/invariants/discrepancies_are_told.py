"""The learner's list of discrepancies is graded against the key of its draft: recall and precision, a row a deviation.

Recall counts also of what the seed planted alone, since what `naive` has in every draft can be known by heart.

It is kept in the run's folder as it stood when the run began, with the key. Once that was shown there is nothing left
to be found: inconclusive.
"""

from __future__ import annotations

from chaos.invariants._common import Say
from chaos.invariants._contract import PROMISED, SOURCE
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import OfExchanges, kind_of_exchanges
from chaos.invariants._written import Part, decided
from chaos.model.audit import LEAST, grade
from chaos.model.verdict import Finding

SAY = Say("discrepancies_are_told", "the list of discrepancies reaches the limits of this part of the drill")


class _DiscrepanciesAreTold(OfExchanges[Part]):
    def finish(self, context: Context) -> Finding:
        audit = context.audit
        if audit is None:
            return SAY.inconclusive("no list is on record")
        least = LEAST[self.params.part]
        its = grade(audit.rows, audit.known)
        planted = "" if its.planted_recall is None else f", {its.planted_recall:.2f} of what was planted"
        # How many, and not which: that would be the key, a try at a time.
        figures = {
            "told": len(its.found), "missed": len(its.missed), "wrong": len(its.wrong), "repeated": len(its.repeated),
        }  # fmt: skip
        return decided(
            SAY,
            seed=audit.seed,
            revealed=audit.revealed,
            reached=its.reaches(least, least),
            measured=f"recall {its.recall:.2f}{planted}, precision {its.precision:.2f} (asked ≥ {least:g} each): "
            f"{figures['told']} told, {figures['missed']} missed, {figures['wrong']} rows wrong, "
            f"{figures['repeated']} repeated",
            figures=figures,
            what="draft",
        )


KIND = kind_of_exchanges(
    SAY, __doc__, _DiscrepanciesAreTold, sources=frozenset({SOURCE}), witnesses=PROMISED | {"audit"}, params=Part
)
