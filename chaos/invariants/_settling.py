"""What settling an order costs: every statement that names it, from its placing to the look at it, whoever makes it.

Tasks run at the same time, so no moment belongs to one of them, and their comments are the shop's own words. An order's
id is in each statement about it. A message that comes twice adds a statement of each kind, so only a kind that comes
once more for each further seat counts as growth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

import msgspec

from chaos.invariants._reads import Read, kinds, member
from chaos.model import sql
from chaos.model.exchange import Case, Exchange, Exchanged, Query
from chaos.model.history import Outcome

SETTLING = "settling an order"


class _Asked(msgspec.Struct):
    quantity: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settled:
    """An order that was paid, and the statements that name it."""

    seats: int
    exchange: Exchange
    made: tuple[Query, ...]


def settling(exchanged: Exchanged) -> tuple[Read, Read] | None:
    """Settling the fewest and the most seats, the second with nothing but what grew with the seats.

    None unless orders of two sizes were placed, looked at, and paid by then.
    """
    by_seats: dict[int, list[_Settled]] = {}
    for one in _settled(exchanged):
        by_seats.setdefault(one.seats, []).append(one)
    if len(by_seats) < 2:
        return None
    few, many = min(by_seats), max(by_seats)
    more = reduce(and_, (kinds(one.made) for one in by_seats[many]))  # as many as each of them took
    more.subtract(reduce(or_, (kinds(one.made) for one in by_seats[few])))  # as any of them took
    grown = {kind: count for kind, count in more.items() if count >= many - few}
    usual = min(by_seats[few], key=lambda one: kinds(one.made).total())
    large = by_seats[many][0]
    queries = kinds(usual.made).total()
    added = tuple(_first(large.made, kind, more) for kind, more in grown.items())
    return (
        _read(usual, few, queries, usual.made),
        _read(large, many, queries + sum(grown.values()), (*usual.made, *(query for part in added for query in part))),
    )


def _settled(exchanged: Exchanged) -> Iterator[_Settled]:
    looks = {case.path: case for case in exchanged.cases if case.operation == "getOrder"}
    for case in exchanged.cases:
        look = looks.get(f"/api/orders/<<{case.id}.id>>/")
        if case.operation != "placeOrder" or look is None:
            continue
        seats = _seats(case)
        for exchange, seen in zip(exchanged.by_case.get(case.id, ()), exchanged.by_case.get(look.id, ()), strict=False):
            order, paid = member(exchange, "id"), member(seen, "status") == "paid"
            if exchange.outcome is Outcome.OK and seats and isinstance(order, str) and order and paid:
                yield _Settled(seats=seats, exchange=exchange, made=_naming(exchanged, order, exchange, seen))


def _seats(case: Case) -> int:
    """That the case asks for; 0 for a body that asks for none."""
    try:
        return msgspec.json.decode(case.body or "", type=_Asked).quantity
    except (msgspec.DecodeError, RecursionError):
        return 0


def _naming(exchanged: Exchanged, order: str, placed: Exchange, seen: Exchange) -> tuple[Query, ...]:
    wanted = order.replace("-", "")
    since, until = (exchanged.t0_unix_s + (one.sent or one.intended) for one in (placed, seen))
    return tuple(
        query
        for query in exchanged.queries
        if since <= query.at_unix_s < until and wanted in f"{query.sql} {query.detail}".replace("-", "")
    )


def _first(made: tuple[Query, ...], kind: str, number: int) -> tuple[Query, ...]:
    return tuple(query for query in made if sql.fingerprint(query.sql) == kind)[:number]


def _read(one: _Settled, seats: int, queries: int, made: tuple[Query, ...]) -> Read:
    return Read(
        operation=SETTLING, rows=seats, exchange=one.exchange, queries=queries, returned=1, made=made, unlabelled=0,
        seats=True,
    )  # fmt: skip
