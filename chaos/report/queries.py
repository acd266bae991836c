"""What the requests of an exchange run asked the database: all operations in a row each, or one in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chaos.invariants._reads import asked, reads
from chaos.model import sql
from chaos.model.exchange import Exchanged

MOST_SQL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Statements of one fingerprint from one line.

    Attributes:
        times: Rows in the world → how often.
        took_ms: Sum over all of them, in the world with the most rows.
    """

    sql: str
    line: str
    times: dict[int, int]
    took_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One operation: rows in the world (seats, of a write) → queries, and rows that came back."""

    operation: str
    queries: dict[int, int]
    returned: dict[int, int | None]
    took_ms: float
    seats: bool

    @property
    def counts(self) -> str:
        """`2 → 11 queries at 5 and 50 rows`."""
        sizes = " and ".join(map(str, self.queries))
        size = "" if sizes == "0" else f" for {sizes} seats" if self.seats else f" at {sizes} rows"
        return f"{' → '.join(map(str, self.queries.values()))} queries{size}"


def overview(exchanged: Exchanged) -> list[Row]:
    """A row per read, and write, that succeeded."""
    return [
        Row(
            operation=operation,
            queries={rows: read.queries for rows, read in sorted(sizes.items())},
            returned={rows: read.returned for rows, read in sorted(sizes.items())},
            took_ms=round(sum(query.took_ms for query in sizes[max(sizes)].made), 1),
            seats=any(read.seats for read in sizes.values()),
        )
        for operation, sizes in reads(exchanged).items()
    ]


def groups(exchanged: Exchanged, operation: str) -> list[Group]:
    """Statements of one operation, sorted by how often they came in any size of the world, the most frequent first."""
    sizes = reads(exchanged).get(operation, {})
    found: dict[tuple[str, str], dict[int, int]] = {}
    took_ms: dict[tuple[str, str], float] = {}
    for rows, read in sorted(sizes.items()):
        for query in read.made:
            if query.count:
                key = (sql.fingerprint(query.sql), query.line)
                times = found.setdefault(key, dict.fromkeys(sorted(sizes), 0))
                times[rows] += query.count
                took_ms[key] = took_ms.get(key, 0.0) + (query.took_ms if rows == max(sizes) else 0.0)
    listed = [
        Group(sql=text, line=line, times=times, took_ms=round(took_ms[text, line], 1))
        for (text, line), times in found.items()
    ]
    return sorted(listed, key=lambda group: -max(group.times.values()))


def compares(exchanged: Exchanged) -> bool:
    """Whether anything was asked whose queries are counted."""
    return bool(asked(exchanged))


def operations(exchanged: Exchanged) -> list[str]:
    """Names of the operations that can be shown."""
    return list(reads(exchanged))


def overview_lines(after: Exchanged, before: Exchanged | None) -> Iterator[str]:
    """A table of all operations."""
    earlier = {row.operation: row for row in overview(before)} if before is not None else {}
    rows = overview(after)
    width = max((len(row.counts) for row in rows), default=0)
    for row in rows:
        was = f"  before {earlier[row.operation].counts}" if row.operation in earlier else ""
        returned = ", ".join(str(count) for count in row.returned.values())
        came = "" if row.seats else f"  rows that came back: {returned};"
        yield f"{row.operation:<16} {row.counts:<{width}}{was}{came} {row.took_ms:g} ms"


def operation_lines(after: Exchanged, before: Exchanged | None, operation: str) -> Iterator[str]:
    """One operation's statements: how often, how long, from which line, and the SQL."""
    for title, exchanged in (("before", before), ("after" if before is not None else "", after)):
        if exchanged is None:
            continue
        if title:
            yield f"{title}:"
        found = groups(exchanged, operation)
        yield from (_line(group) for group in found)
        if not found:
            yield "  no statement"


def _line(group: Group) -> str:
    times = " → ".join(str(count) for count in group.times.values())
    return f"  {times:>10} ×  {group.took_ms:>7.1f} ms  {group.line or '(no line)'}: {sql.short(group.sql, MOST_SQL)}"


def document(after: Exchanged, before: Exchanged | None, names: Sequence[str]) -> dict[str, object]:
    """The same for programs."""

    def told(exchanged: Exchanged) -> dict[str, object]:
        rows = {row.operation: row for row in overview(exchanged)}
        return {
            name: {
                "queries": {str(size): count for size, count in rows[name].queries.items()},
                "returned": {str(size): count for size, count in rows[name].returned.items()},
                "statements": [
                    {"sql": group.sql, "line": group.line, "took_ms": group.took_ms,
                     "times": {str(size): count for size, count in group.times.items()}}
                    for group in groups(exchanged, name)
                ],
            }
            for name in names
            if name in rows
        }  # fmt: skip

    return {"after": told(after), "before": told(before) if before is not None else None}
