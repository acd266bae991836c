"""Every answer to a request drawn from the contract is one of the contract's, and a body that it refuses is refused.

A drawn request may ask for what is not there, so any documented answer below 500 will do, whole: status, headers, media
type and body. Nothing is down meanwhile, so no 5xx will, documented or not.
"""

from __future__ import annotations

from chaos.invariants._common import NoParams, Say
from chaos.invariants._contract import PROMISED, finding, unanswered
from chaos.invariants._drawn import drawn, smallest
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import OfExchanges, kind_of_exchanges
from chaos.model.verdict import Finding

SAY = Say("drawn_answers_conform", "every answer to a drawn request is one that the contract has")


class _DrawnAnswersConform(OfExchanges[NoParams]):
    def finish(self, context: Context) -> Finding:
        exchanged, contract = context.exchanges, context.contract
        asked, told = drawn(contract, exchanged), smallest(contract, exchanged)
        measured = f"{len(asked)} answers to drawn requests, {len(told)} deviations"
        return finding(SAY, list(told.values()), unanswered(asked, "drawn request"), measured, answers=len(asked))


KIND = kind_of_exchanges(SAY, __doc__, _DrawnAnswersConform, sources=frozenset({"contract_drawn"}), witnesses=PROMISED)
