"""No read sends PostgreSQL more queries for more rows, and no write for more seats: counted in the server's log.

The shop's cache is emptied before each request and no other is in flight, so every statement between the sending of a
request and that of the next one belongs to it, whatever its comment says. Of two tries the smaller count is used.
What settles an order runs beside other requests: there the statements that name the order are counted, and a kind that
comes once more for each further seat is too many. Inconclusive for an operation whose answers did not grow with the
world: two counts of the same page prove nothing.
"""

from __future__ import annotations

from chaos.invariants._common import NoParams, Say
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import EXCHANGED, OfExchanges, kind_of_exchanges
from chaos.invariants._reads import SOURCES, Read, grew, labels, reads, unknown
from chaos.invariants._settling import settling
from chaos.model.verdict import Counterexample, Finding

SAY = Say("queries_do_not_grow", "no request makes more queries for more rows or seats")
SINGLE = frozenset({"getEvent", "getMe", "getOrder"})
"""Operations whose answer is one object at any size."""


class _QueriesDoNotGrow(OfExchanges[NoParams]):
    def finish(self, context: Context) -> Finding:
        exchanged = context.exchanges
        pairs = [
            (sizes[min(sizes)], sizes[max(sizes)]) for sizes in reads(exchanged).values() if min(sizes) < max(sizes)
        ]
        if (settled := settling(exchanged)) is not None:
            pairs.append(settled)
        figures = {
            f"{read.operation.replace(' ', '_')}_at_{read.rows}": read.queries for pair in pairs for read in pair
        }
        worse = [(few, many) for few, many in pairs if many.queries > few.queries]
        measured = ", ".join(f"{few.operation} {few.queries} → {many.queries}" for few, many in pairs)
        all_reads = [read for pair in pairs for read in pair]
        if worse:
            first = max(worse, key=lambda pair: pair[1].queries - pair[0].queries)
            return SAY.violated(
                "; ".join(_says(few, many) for few, many in worse) + labels(all_reads),
                measured,
                examples=[many.exchange.id for _, many in worse],
                figures=figures,
                where=_where(*first),
                counterexample=Counterexample(
                    says=_says(*first), operations=(first[0].exchange.id, first[1].exchange.id)
                ),
            )
        open_ = [*unknown(exchanged), *(why for few, many in pairs if (why := _not_comparable(few, many)))]
        if not pairs and not open_:
            open_ = ["no read was asked at two sizes"]
        if open_:
            return SAY.inconclusive("; ".join(open_), measured, figures=figures)
        return SAY.held(measured + labels(all_reads), figures)


def _says(few: Read, many: Read) -> str:
    most = next(iter(grew(few, many)), None)
    what = f": {most[0]} more × {most[1]}" if most else ""
    return f"{few.operation}: {few.queries} queries{few.size}, {many.queries}{_shorter(many)}{what}"


def _shorter(many: Read) -> str:
    return many.size if many.seats else f" at {many.rows}"


def _where(few: Read, many: Read) -> str:
    return next((what.rpartition("(")[2].rstrip(")") for _, what in grew(few, many)), "")


def _not_comparable(few: Read, many: Read) -> str:
    """Why the two counts can't be compared; empty when they can."""
    if few.returned is None or many.returned is None:
        return f"{few.operation}: its answer could not be read"
    if not few.seats and few.operation not in SINGLE and many.returned < many.rows:
        return f"{few.operation}: {many.returned} rows came back of a world with {many.rows}, expected as many at least"
    return ""


KIND = kind_of_exchanges(SAY, __doc__, _QueriesDoNotGrow, sources=SOURCES, witnesses=EXCHANGED | {"queries"})
