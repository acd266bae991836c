"""Every answer is as the contract promises: its status, headers, media type and body, with no field beyond.

The body is checked even if the status is wrong: it is compared with that of the promised success. A field that is not
promised is a deviation like a missing one, and so is a list without rows, since the seeded world has some.
`refuses_what_it_should` judges requests that should have been refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from chaos.invariants._common import NoParams, Say
from chaos.invariants._contract import PROMISED, SOURCE, deviations, named, verdict
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import OfExchanges, kind_of_exchanges
from chaos.invariants._reads import rows_in
from chaos.model.conform import Contract
from chaos.model.deviation import Deviation, Place
from chaos.model.exchange import Case, Exchange
from chaos.model.verdict import Finding

SAY = Say("answers_conform", "every answer is as the contract promises")


class _AnswersConform(OfExchanges[NoParams]):
    def finish(self, context: Context) -> Finding:
        return verdict(SAY, context, partial(_seen, context.contract))


def _seen(contract: Contract, case: Case, exchange: Exchange) -> Iterator[Deviation]:
    promised: int = case.about["promised"]
    found = list(deviations(contract, case, exchange, promised))
    yield from (one for one in found if promised < 400 or exchange.status == promised)
    if case.about.get("replayed") and exchange.status == promised and "idempotent-replayed" not in exchange.headers:
        yield Deviation(
            named(contract, case), Place("header", ("idempotent-replayed",)), "header", "the key had come before"
        )
    if (most := case.about.get("at_most")) is not None and exchange.status == promised:
        rows = _rows(exchange)
        if rows > most:
            says = f"{most} rows were asked for, {rows} came"
            yield Deviation(named(contract, case), Place("query", ("page_size",)), "ignored", says)


def _rows(exchange: Exchange) -> int:
    try:
        return len(rows_in(exchange.json()) or ())
    except ValueError:
        return 0


KIND = kind_of_exchanges(SAY, __doc__, _AnswersConform, sources=frozenset({SOURCE}), witnesses=PROMISED)
