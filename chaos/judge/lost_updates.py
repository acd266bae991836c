"""Lost updates in the database's log: a row that one transaction read, another one changed, and the first one then set
to a value that it had computed before. Pure. They explain a run; no verdict depends on them.

Only what the log shows for sure counts. A read that locks its row, an UPDATE under another condition than the key (a
version, a capacity), one that computes from the row itself (`sold = sold + 1`), and whatever was rolled back, as a
serializable transaction is before it is tried again: none of them loses anything.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chaos.model.rows import Read, Write, read_of, write_of
from chaos.model.trace import MOST_SQL, Statement

MOST_BEFORE = 20
"""Writes of a row that are looked at for the values that it had."""
SURELY_LATER_S = 0.001
"""The log has whole milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one request or task did: positions in the log.

    Attributes:
        actor: The request's id, or the task's.
        read: None when its UPDATE read the row by itself.
        span: From the beginning of its transaction to its end; of a statement that is none, that statement twice.
    """

    actor: str
    read: int | None
    write: int
    span: tuple[int, int]
    change: Write


@dataclass(frozen=True, slots=True, kw_only=True)
class LostUpdate:
    """*first*'s change was overwritten by *second*, which had read the row before.

    Attributes:
        columns: Those that the second one set back; empty when nobody could tell them apart.
    """

    table: str
    key: str
    first: Side
    second: Side
    columns: tuple[str, ...]


@dataclass(slots=True)
class _Transaction:
    """One that is open: where it began, and its UPDATEs.

    Attributes:
        savepoints: Name → UPDATEs before it.
        failed: A statement of it failed, and it did not go back to a savepoint: it can't be committed.
    """

    begun: int
    writes: list[int] = field(default_factory=list)
    savepoints: dict[str, int] = field(default_factory=dict)
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Committed:
    """An UPDATE that was committed."""

    position: int
    span: tuple[int, int]
    change: Write


def lost_updates(statements: Sequence[Statement]) -> list[LostUpdate]:
    """Each change that was lost, once, with the first one that overwrote it, by the time of its loss."""
    writes = _committed(statements)
    rows: dict[tuple[str, str], list[_Committed]] = {}
    for one in writes:
        rows.setdefault((one.change.table, one.change.key), []).append(one)
    rows = {row: ones for row, ones in rows.items() if len({_actor(statements[one.position]) for one in ones}) > 1}
    if not rows:
        return []
    reads = _Reads(statements, {table for table, _ in rows})
    found = [lost for row, ones in rows.items() for lost in _of_row(statements, row, ones, reads)]
    return sorted(found, key=lambda lost: lost.second.write)


def _of_row(
    statements: Sequence[Statement], row: tuple[str, str], ones: Sequence[_Committed], reads: _Reads
) -> Iterator[LostUpdate]:
    varied = _varied(ones)
    positions = [one.position for one in ones]
    lost: set[int] = set()
    for number, second in enumerate(ones):
        read = reads.stale(second, row)
        if read is None:
            continue
        for first in ones[bisect(positions, read) : number]:
            if first.position in lost or not _unseen(statements, read, first):
                continue
            if _actor(statements[first.position]) == _actor(statements[second.position]):
                continue
            own = reads.before(first, row)
            seen = ones[: bisect(positions, first.position - 1 if own is None else own)]
            changed = _changed(seen[-MOST_BEFORE:], first.change)
            columns = _overwritten(changed, second.change, varied | first.change.computed)
            if columns is not None:
                lost.add(first.position)
                yield LostUpdate(
                    table=row[0],
                    key=row[1],
                    first=_side(statements, first, own),
                    second=_side(statements, second, read),
                    columns=columns,
                )


def _varied(ones: Sequence[_Committed]) -> set[str]:
    """Columns that were set to different values; an ORM that saves a whole row sets the others to what they were."""
    values: dict[str, set[str]] = {}
    for one in ones:
        for column, value in one.change.constants.items():
            values.setdefault(column, set()).add(value)
    return {column for column, seen in values.items() if len(seen) > 1}


def _changed(before: Sequence[_Committed], change: Write) -> set[str]:
    """Columns that *change* sets to another value than they had, as far as the log knows, when it read the row."""
    known: dict[str, str] = {}
    for one in before:
        known = {name: value for name, value in known.items() if name not in one.change.computed}
        known |= one.change.constants
    same = {name for name, value in change.constants.items() if known.get(name) == value}
    return (change.constants.keys() - same) | change.computed


def _unseen(statements: Sequence[Statement], read: int, first: _Committed) -> bool:
    """Whether *read*, which the log has before *first*, was over before *first* changed the row."""
    if first.span[0] < first.position:
        return True  # it changed the row in a transaction, which ended later than the statement: the order is enough
    over = statements[read].at_unix_s + statements[read].took_ms / 1000
    return over + SURELY_LATER_S <= statements[first.position].at_unix_s


def _overwritten(changed: set[str], second: Write, varied: set[str]) -> tuple[str, ...] | None:
    """Which of *changed* the *second* one set back; None when it set back nothing.

    Empty: every write of the row set the same values, as two do that read the same and computed the same from it.
    """
    shared = changed & second.constants.keys()
    told = shared & varied
    if told:
        return tuple(sorted(told))
    return () if shared and not second.computed else None


def _side(statements: Sequence[Statement], one: _Committed, read: int | None) -> Side:
    return Side(actor=_actor(statements[one.position]), read=read, write=one.position, span=one.span, change=one.change)


def _actor(statement: Statement) -> str:
    return statement.request or statement.task_id


def _committed(statements: Sequence[Statement]) -> list[_Committed]:
    """Every UPDATE of one row that was committed, in the order of the log."""
    spans = {position: span for span, positions in _transactions(statements) for position in positions}
    changes = ((position, write_of(statements[position].sql)) for position in sorted(spans))
    return [_Committed(position=at, span=spans[at], change=change) for at, change in changes if change is not None]


def _transactions(statements: Sequence[Statement]) -> Iterator[tuple[tuple[int, int], list[int]]]:
    """Span and UPDATEs of everything that was committed; a statement outside of a transaction is one by itself."""
    open_: dict[int, _Transaction] = {}
    for position, statement in enumerate(statements):
        word, transaction = statement.sql[:80].upper().rstrip(" ;"), open_.get(statement.pid)
        if word.startswith("BEGIN"):
            open_[statement.pid] = _Transaction(position)
        elif word.startswith("UPDATE ") and not statement.error and len(statement.sql) < MOST_SQL:
            if transaction is None:
                yield (position, position), [position]
            else:
                transaction.writes.append(position)
        elif transaction is None:
            continue
        elif word.startswith("ROLLBACK TO"):
            del transaction.writes[transaction.savepoints.get(_name(word), 0) :]
            transaction.failed = False
        elif word.startswith(("COMMIT", "ROLLBACK")):
            del open_[statement.pid]
            if word.startswith("COMMIT") and not statement.error and not transaction.failed:
                yield (transaction.begun, position), transaction.writes
        elif word.startswith("SAVEPOINT"):
            transaction.savepoints[_name(word)] = len(transaction.writes)
        elif statement.error:
            transaction.failed = True


def _name(word: str) -> str:
    """Of a savepoint: the last word."""
    return word.rsplit(maxsplit=1)[-1]


class _Reads:
    """Which rows of some tables each actor read, and when."""

    def __init__(self, statements: Sequence[Statement], tables: set[str]) -> None:
        self._statements = statements
        self._of: dict[str, list[tuple[int, Read]]] = {}
        for position, statement in enumerate(statements):
            sql = statement.sql
            if not statement.error and sql[:7].upper() == "SELECT " and any(table in sql for table in tables):
                read = read_of(sql)
                if read is not None:
                    self._of.setdefault(_actor(statement), []).append((position, read))

    def before(self, write: _Committed, row: tuple[str, str]) -> int | None:
        """Its actor's last read of the row before the write; None when there is none that is sure."""
        return self._last(write, row, stale=False)

    def stale(self, write: _Committed, row: tuple[str, str]) -> int | None:
        """The same, unless the read kept others from changing the row until the write."""
        return self._last(write, row, stale=True)

    def _last(self, write: _Committed, row: tuple[str, str], *, stale: bool) -> int | None:
        table, key = row
        for position, read in reversed(self._of.get(_actor(self._statements[write.position]), ())):
            if position >= write.position or table not in read.rows or read.rows[table] not in (None, key):
                continue
            in_transaction = write.span[0] < position and self._same_session(position, write)
            if stale and table in read.locked and in_transaction:
                return None
            return position if read.one else None
        return None

    def _same_session(self, position: int, write: _Committed) -> bool:
        return self._statements[position].pid == self._statements[write.position].pid
