"""What the contract promises to refuse is refused, with the status that is promised for it.

Sent are values that are empty, null, too long, too many, not the caller's, half a character or nested very deeply. Each
has its promised status, which is never a 5xx. The body of a refusal is judged by `answers_conform`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from chaos.invariants._common import NoParams, Say
from chaos.invariants._contract import PROMISED, SOURCE, deviations, verdict
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import OfExchanges, kind_of_exchanges
from chaos.model.conform import Contract
from chaos.model.deviation import Deviation
from chaos.model.exchange import Case, Exchange
from chaos.model.verdict import Finding

SAY = Say("refuses_what_it_should", "what is to be refused is refused, with its status")


class _RefusesWhatItShould(OfExchanges[NoParams]):
    def finish(self, context: Context) -> Finding:
        return verdict(SAY, context, partial(_seen, context.contract))


def _seen(contract: Contract, case: Case, exchange: Exchange) -> Iterator[Deviation]:
    promised: int = case.about["promised"]
    if promised >= 400 and exchange.status != promised:
        yield next(deviations(contract, case, exchange, promised))


KIND = kind_of_exchanges(SAY, __doc__, _RefusesWhatItShould, sources=frozenset({SOURCE}), witnesses=PROMISED)
