"""What settling an order costs: every statement that names it, from its placing to the look at it, whoever makes it.

Tasks run at the same time, so no moment belongs to one of them, and their comments are the shop's own words. An order's
id is in each statement about it. A message that comes twice adds a statement of each kind, so only a kind that comes
once more for each further seat counts as growth.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from chaos.invariants._reads import Read
from chaos.model import sql
from chaos.model.exchange import Exchange, Exchanged, Query
from chaos.model.history import Outcome

SETTLING = "settling an order"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settled:
    """An order that was paid, and the statements that name it."""

    seats: int
    exchange: Exchange
    made: tuple[Query, ...]

    @property
    def kinds(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for query in self.made:
            found[sql.fingerprint(query.sql)] += query.count
        return found


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
    more = _least(by_seats[many])
    more.subtract(_most(by_seats[few]))
    grown = {kind: count for kind, count in more.items() if count >= many - few}
    usual = min(by_seats[few], key=lambda one: sum(one.kinds.values()))
    large = by_seats[many][0]
    queries = sum(usual.kinds.values())
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
        seats = _of_json(case.body, "quantity")
        for exchange, seen in zip(exchanged.by_case.get(case.id, ()), exchanged.by_case.get(look.id, ()), strict=False):
            order, paid = _of_json(exchange.body, "id"), _of_json(seen.body, "status") == "paid"
            if exchange.outcome is Outcome.OK and isinstance(seats, int) and isinstance(order, str) and order and paid:
                yield _Settled(seats=seats, exchange=exchange, made=_naming(exchanged, order, exchange, seen))


def _naming(exchanged: Exchanged, order: str, placed: Exchange, seen: Exchange) -> tuple[Query, ...]:
    wanted = order.replace("-", "")
    since, until = (exchanged.t0_unix_s + (one.sent or one.intended) for one in (placed, seen))
    return tuple(
        query
        for query in exchanged.queries
        if since <= query.at_unix_s < until and wanted in f"{query.sql} {query.detail}".replace("-", "")
    )


def _of_json(body: str | None, name: str) -> object:
    try:
        document = json.loads(body or "")
    except (ValueError, RecursionError):
        return None
    return document.get(name) if isinstance(document, dict) else None


def _least(orders: list[_Settled]) -> Counter[str]:
    """Of each kind as many as every one of the *orders* took."""
    found = orders[0].kinds
    for one in orders[1:]:
        found &= one.kinds
    return found


def _most(orders: list[_Settled]) -> Counter[str]:
    """Of each kind as many as any of the *orders* took."""
    found = orders[0].kinds
    for one in orders[1:]:
        found |= one.kinds
    return found


def _first(made: tuple[Query, ...], kind: str, number: int) -> tuple[Query, ...]:
    return tuple(query for query in made if sql.fingerprint(query.sql) == kind)[:number]


def _read(one: _Settled, seats: int, queries: int, made: tuple[Query, ...]) -> Read:
    return Read(
        operation=SETTLING, rows=seats, exchange=one.exchange, queries=queries, returned=1, made=made, unlabelled=0,
        seats=True,
    )  # fmt: skip
