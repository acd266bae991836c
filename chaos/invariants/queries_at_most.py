"""No request sends PostgreSQL more queries than its ceiling, however many rows there are.

Counted as for `queries_do_not_grow`. A constant number of queries may still be a dozen where a few would suffice.
"""

from __future__ import annotations

from pydantic import Field

from chaos.invariants._common import Say
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import EXCHANGED, OfExchanges, kind_of_exchanges
from chaos.invariants._reads import SOURCES, labels, reads, unknown
from chaos.model.strict import StrictModel
from chaos.model.verdict import Counterexample, Finding

SAY = Say("queries_at_most", "no request makes more queries than its ceiling")


class Ceilings(StrictModel):
    """A ceiling for all operations, and others for single ones."""

    queries: int = Field(10, ge=0, le=1000, description="Queries that one request may make.")
    of: dict[str, int] = Field(
        {},
        description="Operation of the contract: its own ceiling.",
        json_schema_extra={"properties": {"listEvents": {"type": "integer"}}},
    )


class _QueriesAtMost(OfExchanges[Ceilings]):
    def finish(self, context: Context) -> Finding:
        exchanged = context.exchanges
        found = [max(sizes.values(), key=lambda read: read.queries) for sizes in reads(exchanged).values()]
        over = [read for read in found if read.queries > self._ceiling(read.operation)]
        measured = ", ".join(f"{read.operation} {read.queries}" for read in found)
        figures = {read.operation: read.queries for read in found}
        if over:
            says = [
                f"{read.operation}: {read.queries} queries{read.size}, at most {self._ceiling(read.operation)} expected"
                for read in over
            ]
            return SAY.violated(
                "; ".join(says) + labels(found),
                measured,
                examples=[read.exchange.id for read in over],
                figures=figures,
                counterexample=Counterexample(says=says[0], operations=(over[0].exchange.id,)),
            )
        if open_ := list(unknown(exchanged)) or ([] if found else ["nothing was read"]):
            return SAY.inconclusive("; ".join(open_), measured, figures=figures)
        return SAY.held(measured, figures)

    def _ceiling(self, operation: str) -> int:
        return self.params.of.get(operation, self.params.queries)


KIND = kind_of_exchanges(
    SAY,
    __doc__,
    _QueriesAtMost,
    sources=SOURCES,
    witnesses=EXCHANGED | {"queries"},
    params=Ceilings,
)
