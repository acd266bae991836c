"""The first lost update of a row that a finding is about, as a time line of the two that raced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import ascii_uppercase

import msgspec

from chaos.evidence.history import History
from chaos.judge.explain.asked import Asked, World
from chaos.judge.explain.clients import Labels, operation_moment, shown
from chaos.judge.explain.moments import readable, statement_moments
from chaos.judge.lost_updates import LostUpdate, Side, lost_updates
from chaos.model.counterexamples import Race, Shown
from chaos.model.disguise import request_id
from chaos.model.history import Operation
from chaos.model.trace import Statement

MOST_TRIED = 5
"""Lost updates of one finding's rows whose requests are looked up in the history."""
AROUND_S = 2.0
"""How far the clocks of client and database may be apart when an operation is looked for by the time of a statement."""
LONGEST_VALUE = 40
MOST_COLUMNS = 6
"""Of a row that is saved whole, by name; the one that matters is among them more often than among three."""


class Races:
    """The lost updates of a run, and the operations behind those that its findings may be about."""

    def __init__(self, folder: Path, statements: Sequence[Statement], asked: Sequence[Asked]) -> None:
        self._statements = statements
        about = {row for one in asked for row in _rows(one)}
        self._lost = [lost for lost in lost_updates(statements) if _plain(lost.key) in about] if about else []
        self._operations = _operations(folder, statements, self._tried(asked))

    def _tried(self, asked: Sequence[Asked]) -> list[LostUpdate]:
        """The first few of each finding."""
        return [lost for one in asked for lost in self._of(one)[:MOST_TRIED]]

    def _of(self, asked: Asked) -> list[LostUpdate]:
        rows = _rows(asked)
        return [lost for lost in self._lost if _plain(lost.key) in rows]

    def race(self, asked: Asked, world: World, labels: Labels, t0_unix_s: float) -> Race | None:
        """What *asked* is about; None when no row of it lost a change."""
        for lost in self._of(asked)[:MOST_TRIED]:
            if _plain(lost.key) in map(_plain, asked.orders) or self._in_tier(lost, world):
                count = sum((each.table, each.key) == (lost.table, lost.key) for each in self._lost)
                return _told(lost, count, self._statements, self._operations, labels, t0_unix_s)
        return None

    def _in_tier(self, lost: LostUpdate, world: World) -> bool:
        """Whether a tier's number is no other table's key by chance: an operation of the two is about that tier."""
        tiers = set()
        for side in (lost.first, lost.second):
            if (op := self._operations.get(side.actor)) is not None:
                order = world.orders.get(op.order or "")
                tiers |= {op.tier, None if order is None else order.tier_id}
        return lost.key in {str(tier) for tier in tiers if tier is not None}


def _rows(asked: Asked) -> set[str]:
    """Keys of the rows that the finding is about."""
    return {*map(_plain, asked.orders), *(str(tier) for tier in asked.pointers.tiers)}


def _plain(key: str) -> str:
    """A UUID as the log may have it: without hyphens."""
    return key.replace("-", "")


def _operations(folder: Path, statements: Sequence[Statement], tried: Iterable[LostUpdate]) -> dict[str, Operation]:
    """Request id → its operation. The history has no request ids, so they are made from those that ran at the time."""
    at_unix_s = {
        side.actor: statements[side.write].at_unix_s
        for lost in tried
        for side in (lost.first, lost.second)
        if statements[side.write].request
    }
    found: dict[str, Operation] = {}
    if not at_unix_s:
        return found
    first_unix_s, last_unix_s = min(at_unix_s.values()) - AROUND_S, max(at_unix_s.values()) + AROUND_S
    history = History.of_run(folder)
    for op in history:
        t0_unix_s = history.t0_unix_s or 0.0
        if t0_unix_s + op.intended > last_unix_s:
            continue
        if op.ended is not None and t0_unix_s + op.ended < first_unix_s:
            continue
        if (sent_as := request_id(history.salt, op.id)) in at_unix_s:
            found[sent_as] = op
    return found


def _told(
    lost: LostUpdate,
    count: int,
    statements: Sequence[Statement],
    operations: Mapping[str, Operation],
    labels: Labels,
    t0_unix_s: float,
) -> Race:
    sides = (lost.first, lost.second)
    letters = _letters(sides, operations, labels)
    ops = [operations[side.actor] for side in sides if side.actor in operations]
    moments = [operation_moment(op) for op in ops]
    for side in sides:
        told = sorted({*([] if side.read is None else [side.read]), side.span[0], side.write, side.span[1]})
        moments += statement_moments([statements[position] for position in told], t0_unix_s)
    by_op = {op.id: letters[sent_as] for sent_as, op in operations.items() if sent_as in letters}
    return Race(
        says=_says(lost, letters),
        row=f"{lost.table} {lost.key}",
        count=count,
        lines=tuple(_lines(sides, statements, letters)),
        operations=tuple(_shown(side, statements, operations, letters, t0_unix_s) for side in sides),
        moments=tuple(
            msgspec.structs.replace(moment, label=letters.get(moment.who) or by_op.get(moment.who, ""))
            for moment in sorted(moments, key=lambda moment: (moment.at_s, moment.kind))
        ),
    )


def _letters(sides: Sequence[Side], operations: Mapping[str, Operation], labels: Labels) -> dict[str, str]:
    """Actor → its letter: the one that it has in the finding's own list, else the next that is free."""
    free = iter(letter for letter in ascii_uppercase if letter not in labels.of.values())
    known = {side.actor: labels.of.get(operations[side.actor].id) for side in sides if side.actor in operations}
    return {side.actor: known.get(side.actor) or next(free, "?") for side in sides}


def _says(lost: LostUpdate, letters: Mapping[str, str]) -> str:
    """`Both read shop_tickettier 1 before either wrote it: C set sold = 5, then D set sold = 5 …`"""
    first, second = letters[lost.first.actor], letters[lost.second.actor]
    row = f"{lost.table} {lost.key}"
    columns = lost.columns or tuple(sorted(lost.first.change.constants.keys() & lost.second.change.constants.keys()))
    over = f"then {second} set {_values(lost.second, columns)} from what it had read, and {first}'s change is lost"
    if lost.first.read is None:
        return f"{second} read {row} before {first} changed it: {first} set {_values(lost.first, columns)}, {over}"
    return f"both read {row} before either wrote it: {first} set {_values(lost.first, columns)}, {over}"


def _values(side: Side, columns: Sequence[str]) -> str:
    """`sold = 5`"""
    values = ((name, side.change.constants.get(name, f"an expression of {name}")) for name in columns[:MOST_COLUMNS])
    return ", ".join(f"{name} = {value[:LONGEST_VALUE]}" for name, value in values)


def _lines(sides: Sequence[Side], statements: Sequence[Statement], letters: Mapping[str, str]) -> list[str]:
    """`C and D: read at views.py:79 OrderList.post, written at services.py:47 place_order`"""
    told: dict[str, list[str]] = {}
    for side in sides:
        read = "" if side.read is None else statements[side.read].line
        parts = [f"read at {read}"] if read else []
        parts += [f"written at {line}"] if (line := statements[side.write].line) else []
        if parts:
            told.setdefault(", ".join(parts), []).append(letters[side.actor])
    return [f"{' and '.join(who)}: {what}" for what, who in told.items()]


def _shown(
    side: Side,
    statements: Sequence[Statement],
    operations: Mapping[str, Operation],
    letters: Mapping[str, str],
    t0_unix_s: float,
) -> Shown:
    """The operation; a task as one, from its read to the end of its transaction."""
    write = statements[side.write]
    labels = Labels.of_letters({operations[side.actor].id: letters[side.actor]} if side.actor in operations else {})
    if side.actor in operations:
        return shown(operations[side.actor], labels, write.route)
    begun = statements[side.write if side.read is None else side.read]
    ended = statements[side.span[1]]
    return Shown(
        label=letters[side.actor],
        id=side.actor,
        op=f"task {write.task}" if write.task else "request that the history does not hold",
        phase="",
        sent_s=round(begun.at_unix_s - t0_unix_s, 6),
        ended_s=round(ended.at_unix_s + ended.took_ms / 1000 - t0_unix_s, 6),
        answer=f"committed {readable(write.sql)[:LONGEST_VALUE]}…",
        route=write.route,
    )
