"""The learner's contract is graded against the contract: how much of the promise it says, and how much of it is so.

Where the draft's own schema is wrong that is measured apart, so that a copy of it does not pass.

It is kept in the run's folder as it stood when the run began. Once the key of the draft was shown it is inconclusive.
"""

from __future__ import annotations

from chaos.invariants._common import Say
from chaos.invariants._contract import PROMISED, SOURCE
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import OfExchanges, kind_of_exchanges
from chaos.invariants._written import Part, decided
from chaos.model.audit import LEAST
from chaos.model.contract_facts import grade, promised
from chaos.model.verdict import Finding

SAY = Say("own_contract_is_right", "the learner's contract reaches the limits of this part of the drill")


class _OwnContractIsRight(OfExchanges[Part]):
    def finish(self, context: Context) -> Finding:
        audit = context.audit
        if audit is None or not audit.own:
            return SAY.inconclusive("no contract of the learner's is on record")
        least = LEAST[self.params.part]
        its = grade(audit.own, promised(context.contract.document), audit.served)
        contested = "" if its.contested_recall is None else f", {its.contested_recall:.2f} where the draft's differs"
        figures = {"statements": len(audit.own), "wrong": len(its.wrong), "missing": len(its.missing)}
        return decided(
            SAY,
            seed=audit.seed,
            revealed=audit.revealed,
            reached=its.reaches(least, least),
            measured=f"recall {its.recall:.2f}{contested}, precision {its.precision:.2f} (asked ≥ {least:g} each): "
            f"{figures['wrong']} statements wrong, {figures['missing']} missing",
            figures=figures,
            what="draft",
        )


KIND = kind_of_exchanges(
    SAY, __doc__, _OwnContractIsRight, sources=frozenset({SOURCE}), witnesses=PROMISED | {"audit"}, params=Part
)
