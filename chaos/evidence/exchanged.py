"""Reads what is on record of single requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from chaos.evidence.files import MIB, UNFIT, NoSuchFile, Unreadable, is_regular, lines
from chaos.model.exchange import Case, Exchange, Exchanged, PlanRead, Query
from chaos.model.folder import EXCHANGES_GROWING, File
from chaos.model.history import Operation, Outcome
from chaos.model.journal import Event, EventKind

MOST_UNPACKED_BYTES: Final = 512 * MIB
MOST_LINES: Final = 300_000

_T = TypeVar("_T")


def read_exchanged(evidence: Path, *, t0_unix_s: float) -> Exchanged:
    """All of it; a file that is missing or damaged gives nothing, and is named in `unread`."""
    unread: dict[str, str] = {}

    def read(name: str, type_: type[_T]) -> tuple[_T, ...]:
        try:
            return tuple(_lines(evidence / name, type_))
        except NoSuchFile:
            unread[name] = f"{name} is missing"
        except Unreadable as error:
            unread[name] = str(error)
        return ()

    return Exchanged(
        cases=read(File.CASES, Case),
        exchanges=read(File.EXCHANGES, Exchange),
        queries=read(File.QUERIES, Query),
        plans=read(File.PLANS, PlanRead),
        t0_unix_s=t0_unix_s,
        unread=unread,
    )


def has_exchanges(folder: Path) -> bool:
    """Whether it is of a run of single requests, finished or going on."""
    return is_regular(folder / File.EXCHANGES) or is_regular(folder / EXCHANGES_GROWING)


def exchanged_operations(folder: Path, *, most: int) -> Iterator[Operation]:
    """The exchanges on record so far, as operations. Raises: Unreadable."""
    plain = folder / EXCHANGES_GROWING  # where both are there, the packed one is not complete
    path = plain if is_regular(plain) else folder / File.EXCHANGES
    return map(as_operation, _lines(path, Exchange, most=most, torn=path != plain))


def as_operation(exchange: Exchange) -> Operation:
    """By the contract's name, for tables and charts; no check reads it."""
    return Operation(
        id=exchange.id,
        op=exchange.operation,
        phase=exchange.section,
        intended=exchange.intended,
        outcome=exchange.outcome if exchange.sent is not None else Outcome.DROPPED,
        sent=exchange.sent,
        ended=exchange.ended,
        status=exchange.status,
    )


def _lines(path: Path, type_: type[_T], *, most: int = MOST_UNPACKED_BYTES, torn: bool = True) -> Iterator[_T]:
    """Raises: Unreadable for any bad line: verdicts depend on these files, so no line may be left out."""
    decoder = msgspec.json.Decoder(type_)
    for number, line in enumerate(lines(path, most=most, torn=torn), 1):
        if number > MOST_LINES:
            raise Unreadable(f"{path.name}: got more than {MOST_LINES} lines, expected those of single requests")
        try:
            yield decoder.decode(line)
        except UNFIT as error:
            raise Unreadable(f"{path.name}: line {number}: got {error}, expected what belongs there") from None


def second_0(events: Sequence[Event]) -> float:
    """Second 0 on the wall clock, as the journal says; 0 when the run ended before its load."""
    for event in events:
        at = event.data.get("t0_unix_s")
        if event.event is EventKind.LOAD_STARTED and isinstance(at, int | float) and not isinstance(at, bool):
            return float(at)
    return 0.0
