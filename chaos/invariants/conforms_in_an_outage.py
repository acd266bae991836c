"""While a dependency of the shop is down, every answer is still one that the contract promises.

Promised are the success, or 503 in problem+json with `Retry-After`. Any other 5xx, a page of HTML or an answer of
another shape violates it. Inconclusive when nothing was asked during the outage.
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

SAY = Say("conforms_in_an_outage", "during an outage every answer is the promised success or the promised 503")
DOWN = 503


class _ConformsInAnOutage(OfExchanges[NoParams]):
    def finish(self, context: Context) -> Finding:
        return verdict(SAY, context, partial(_seen, context.contract), outage=True)


def _seen(contract: Contract, case: Case, exchange: Exchange) -> Iterator[Deviation]:
    promised: int = case.about["promised"]
    yield from deviations(contract, case, exchange, promised if exchange.status == promised else DOWN)


KIND = kind_of_exchanges(SAY, __doc__, _ConformsInAnOutage, sources=frozenset({SOURCE}), witnesses=PROMISED)
