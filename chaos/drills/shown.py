"""Which request of a run shows what a row of the learner's list says. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chaos.evidence.record import Record
from chaos.invariants._contract import deviations, walked
from chaos.model.audit import Row
from chaos.model.conform import Contract
from chaos.model.deviation import normal, places, same_family
from chaos.model.exchange import Case, Exchange

Asked = tuple[Case, Exchange]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A request for a row.

    Attributes:
        says: What its answer has that the contract has not; empty when the answer alone does not show it.
    """

    exchange: Exchange
    says: str


def shown(rows: Sequence[Row], record: Record) -> dict[int, Shown]:
    """Line of a row → the first request that shows it, else one that is about it; rows without either are left out."""
    contract = record.contract
    if contract is None:
        return {}
    asked = [(case, exchange) for case, exchange in walked(contract, record.exchanged) if exchange.status]
    found: dict[int, Shown] = {}
    for row in rows:
        mine = [one for one in asked if normal(contract.names[one[0].operation]) in row.operations]
        first = next(_showing(row, mine, contract), None) or next(_about(row, mine), None)
        if first is not None:
            found[row.line] = first
    return found


def _showing(row: Row, asked: Sequence[Asked], contract: Contract) -> Iterator[Shown]:
    for case, exchange in asked:
        for seen in deviations(contract, case, exchange, case.about["promised"]):
            of_it = seen.place.is_like(row.place) and row.place.codes <= seen.place.codes
            if of_it and same_family(row.kind, seen.family):
                yield Shown(exchange=exchange, says=seen.says)


def _about(row: Row, asked: Sequence[Asked]) -> Iterator[Shown]:
    """Requests that send what the row is about, then the documented success."""
    for case, exchange in asked:
        blame = str(case.about.get("blame", "")).partition(": ")[0]
        blamed = places(blame) if blame else ()
        sends = row.place.part == "request" and case.about.get("writes", [None])[0] in row.place.path
        sizes = row.place.part == "query" and "at_most" in case.about
        again = row.place.part == "header" and bool(case.about.get("replayed"))
        if sends or sizes or again or any(place.is_like(row.place) for place in blamed):
            yield Shown(exchange=exchange, says="")
    yield from (Shown(exchange=exchange, says="") for case, exchange in asked if case.about["promised"] < 400)
