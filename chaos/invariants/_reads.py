"""Shared by the checks of queries: each read with few and with many rows in the world, each write by its seats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from chaos.model import sql
from chaos.model.exchange import Case, Exchange, Exchanged, Query
from chaos.model.history import Outcome

SOURCE = "reads"
SOURCES = frozenset({SOURCE, "writes"})
SHORT = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One operation at one size, from the try that made the fewest queries.

    Attributes:
        rows: Rows in the world, or seats of a write; 0 for a write that has no size.
        seats: Whether it is a write.
        queries: Number of queries that PostgreSQL received.
        returned: Rows in the answer; 1 for a single object, None for a body that is neither list nor object.
        unlabelled: How many of the queries have a comment that names another request, or no comment.
    """

    operation: str
    rows: int
    exchange: Exchange
    queries: int
    returned: int | None
    made: tuple[Query, ...]
    unlabelled: int
    seats: bool = False

    @property
    def size(self) -> str:
        """The size in words: ` at 5 rows`, ` for 1 seat`, or nothing."""
        if not self.seats:
            return f" at {self.rows} rows"
        return f" for {self.rows} seat{'s' if self.rows > 1 else ''}" if self.rows else ""


def reads(exchanged: Exchanged) -> dict[str, dict[int, Read]]:
    """Operation → size → the read or write of that size; only those that succeeded."""
    found: dict[str, dict[int, Read]] = {}
    for exchange in exchanged.exchanges:
        case = exchanged.case_of.get(exchange.case)
        size = _size(case) if case is not None else None
        if case is None or size is None or exchange.outcome is not Outcome.OK or not _paid(exchanged, case):
            continue
        read = _read(exchanged, exchange, size, "seats" in case.about)
        best = found.setdefault(exchange.operation, {}).get(size)
        if best is None or read.queries < best.queries:
            found[exchange.operation][size] = read
    return found


def _paid(exchanged: Exchanged, case: Case) -> bool:
    """Whether the order that the case cancels had its tickets; true for cases that cancel nothing."""
    looks = exchanged.by_case.get(case.about["paid"], ()) if "paid" in case.about else None
    return looks is None or any(member(look, "status") == "paid" for look in looks)


def member(exchange: Exchange, name: str) -> Any:
    """That member of the answer; None without one, or when the answer is no object."""
    try:
        body = exchange.json()
    except ValueError:
        return None
    return body.get(name) if isinstance(body, dict) else None


def _size(case: Case) -> int | None:
    """Rows in the world for a read, seats for a write; None for a case whose queries are not compared."""
    seats = case.about.get("seats")
    return seats if isinstance(seats, int) else (case.rows if "try" in case.about else None)


def _read(exchanged: Exchanged, exchange: Exchange, rows: int, seats: bool) -> Read:
    made = exchanged.made[exchange.id]
    return Read(
        operation=exchange.operation,
        rows=rows,
        exchange=exchange,
        queries=sum(query.count for query in made),
        returned=returned(exchange),
        made=made,
        unlabelled=sum(query.count for query in made if query.request != exchange.request_id),
        seats=seats,
    )


def returned(exchange: Exchange) -> int | None:
    """Number of rows in an answer: those of its list or page; 1 for an object."""
    try:
        body = exchange.json()
    except ValueError:
        return None
    rows = rows_in(body)
    return len(rows) if rows is not None else (1 if isinstance(body, dict) else None)


def rows_in(body: Any) -> list[Any] | None:
    """The rows of a list or of a page; None for a body that is neither."""
    found = body.get("results") if isinstance(body, dict) else body
    return found if isinstance(found, list) else None


def asked(exchanged: Exchanged) -> dict[str, set[int]]:
    """Operation → sizes at which it was asked, whether it succeeded or not."""
    found: dict[str, set[int]] = {}
    for case in exchanged.cases:
        if (size := _size(case)) is not None:
            found.setdefault(case.operation, set()).add(size)
    return found


def unknown(exchanged: Exchanged) -> Iterator[str]:
    """Operations and sizes that were asked and never succeeded, so that their queries are unknown; tries that failed.

    A try that failed may be the one that would have shown what the other hid: an answer that was kept, or a first cost.
    """
    known = reads(exchanged)
    for operation, sizes in asked(exchanged).items():
        for rows in sorted(sizes - known.get(operation, {}).keys()):
            what = next(case for case in exchanged.cases if case.operation == operation)
            said = f" at {rows} rows" if "try" in what.about else " on a paid order" if "paid" in what.about else ""
            yield f"{operation} never succeeded{said}"
    for exchange in exchanged.exchanges:
        case = exchanged.case_of.get(exchange.case)
        if case is None or exchange.outcome is Outcome.OK:
            continue
        if _size(case) in known.get(case.operation, {}):  # which has no size for a case that is not compared
            yield f"{exchange.id}, another try of {case.operation}, failed: {exchange.status or exchange.error}"


def grew(few: Read, many: Read) -> Iterator[tuple[int, str]]:
    """Statements that came more often at the larger size, the largest increase first: how many more, and their line."""
    before, after = kinds(few.made), kinds(many.made)
    lines = {sql.fingerprint(query.sql): query.line for query in many.made}
    for text, more in (after - before).most_common():
        yield more, f"{sql.short(text, SHORT)} ({lines.get(text) or 'no line of the shop is known'})"


def kinds(made: Iterable[Query]) -> Counter[str]:
    """How often each kind of statement came, without its values."""
    found: Counter[str] = Counter()
    for query in made:
        found[sql.fingerprint(query.sql)] += query.count
    return found


def labels(reads_: list[Read]) -> str:
    """A sentence about queries whose comment names another request than their time does; empty when both agree."""
    off = [read for read in reads_ if read.unlabelled]
    if not off:
        return ""
    told = ", ".join(f"{read.unlabelled} of {read.queries} of {read.operation}{read.size}" for read in off[:3])
    return f"; by their comments not all are of their request, by time they are: {told}"
