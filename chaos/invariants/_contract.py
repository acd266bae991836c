"""Shared by the checks of the contract: the exchanges of a walk, and how each differs from the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from chaos.invariants._common import MAX_EXAMPLES, Say
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import EXCHANGED
from chaos.invariants._reads import rows_in
from chaos.model.conform import Contract
from chaos.model.deviation import Deviation, Place, places
from chaos.model.exchange import Case, Exchange, Exchanged
from chaos.model.verdict import Counterexample, Finding

SOURCE = "contract_walk"
LISTS = frozenset({"listEvents", "listOrders", "listAllOrders", "listSales"})
"""Each seeded world has rows for them, and the walk asks for first pages only; an empty list is useless."""
REQUEST_ID = "x-request-id"
PROMISED = EXCHANGED | {"contract"}


def named(contract: Contract, case: Case) -> str:
    """The name of the case's operation: `METHOD /path/{parameter}/`."""
    return contract.names[case.operation]


def walked(contract: Contract, exchanged: Exchanged, *, outage: bool = False) -> Iterator[tuple[Case, Exchange]]:
    """The exchanges whose operation the contract has, either those during an *outage* or all others."""
    for exchange in exchanged.exchanges:
        case = exchanged.case_of.get(exchange.case)
        known = case is not None and case.operation in contract.names and "promised" in case.about
        if case is not None and known and bool(case.about.get("outage")) is outage:
            yield case, exchange


def deviations(contract: Contract, case: Case, exchange: Exchange, promised: int) -> Iterator[Deviation]:
    """How an answer differs from the contract.

    When success and failure are swapped, the deviation is reported at the place that the case's `blame` names.
    """
    came = exchange.status
    found = contract.deviations(
        named(contract, case), promised, status=came, headers=exchange.headers, body=exchange.body
    )
    place, _, family = str(case.about.get("blame", "")).partition(": ")
    for seen in found:
        told = bool(place) and seen.place.part == "status" and (came < 400) != (promised < 400)
        yield Deviation(seen.operation, places(place)[0], family, seen.says) if told else seen
    if exchange.body and not exchange.text:
        says = "JSON in UTF-8 is promised, other bytes came"
        yield Deviation(named(contract, case), Place("response"), "type", says)
    if came and exchange.headers.get(REQUEST_ID) != exchange.request_id:
        says = f"{REQUEST_ID} {exchange.request_id} was sent, {exchange.headers.get(REQUEST_ID, 'none')} came"
        yield Deviation(named(contract, case), Place("header", (REQUEST_ID,)), "header", says)
    if came == promised == 200 and case.operation in LISTS and _is_empty(exchange):
        says = "a list of what the world has, an empty one came"
        yield Deviation(named(contract, case), Place("response"), "ignored", says)


def _is_empty(exchange: Exchange) -> bool:
    try:
        return rows_in(exchange.json()) == []
    except ValueError:
        return False


def unanswered(asked: Sequence[tuple[Case, Exchange]], what: str = "request of the contract") -> list[str]:
    """Why the check can't be decided; empty when it can."""
    if not asked:
        return [f"no {what} was answered"]
    return [f"{case.id}: {exchange.error or 'its answer was cut'}" for case, exchange in asked
            if not exchange.status or exchange.cut]  # fmt: skip


def verdict(
    say: Say,
    context: Context,
    judge: Callable[[Case, Exchange], Iterator[Deviation]],
    *,
    outage: bool = False,
) -> Finding:
    """One finding from the deviations that *judge* sees in the answers that are on record whole."""
    asked = list(walked(context.contract, context.exchanges, outage=outage))
    seen = [(exchange, one) for case, exchange in asked if exchange.status and not exchange.cut
            for one in judge(case, exchange)]  # fmt: skip
    told = {f"{one.operation} · {one.place} · {one.family}": (exchange, one) for exchange, one in reversed(seen)}
    measured = f"{len(asked)} answers, {len(told)} deviations"
    return finding(say, list(reversed(told.values())), unanswered(asked), measured, answers=len(asked))


def finding(
    say: Say, told: Sequence[tuple[Exchange, Deviation]], open_: Sequence[str], measured: str, *, answers: int
) -> Finding:
    """The verdict on the deviations *told*, each with the request that shows it; *open_*: why there may be more."""
    figures = {"answers": answers, "deviations": len(told)}
    if told:
        return _violated(say, told, measured, figures)
    if open_:
        return say.inconclusive("; ".join(open_[:MAX_EXAMPLES]), measured, figures=figures)
    return say.held(measured, figures)


def _violated(
    say: Say, told: Sequence[tuple[Exchange, Deviation]], measured: str, figures: Mapping[str, int]
) -> Finding:
    exchange, first = told[0]
    lines = [f"{one.operation} · {one.place} · {one.family}: {one.says}" for _, one in told]
    return say.violated(
        f"{len(told)} × not as promised: {'; '.join(lines[:MAX_EXAMPLES])}",
        measured,
        examples=[each.id for each, _ in told[:MAX_EXAMPLES]],
        figures=figures,
        where=exchange.curl,
        counterexample=Counterexample(says=f"{first.operation}: {first.says}", operations=(exchange.id,)),
    )
