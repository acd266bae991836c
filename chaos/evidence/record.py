"""Reads the record of a run from its evidence folder.

The run itself is judged from the folder, too, so `verify` reads the same and can't come to another verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from chaos.evidence.contract import read_contract
from chaos.evidence.exchanged import read_exchanged, second_0
from chaos.evidence.files import (
    MOST_BYTES,
    MOST_STATE_BYTES,
    UNFIT,
    NoSuchFile,
    Unreadable,
    decoded,
    digests,
    is_regular,
    lines,
    read_bytes,
    read_json,
)
from chaos.evidence.histograms import HistogramCounts, histogram_counts
from chaos.evidence.history import History
from chaos.evidence.journal import read_events
from chaos.evidence.queue import queue_samples
from chaos.evidence.written import read_audit, read_review
from chaos.model.audit import Audited
from chaos.model.bounds import MOST_S
from chaos.model.clocks import ClockReading
from chaos.model.conform import Contract
from chaos.model.evidence import EndState, HostSample, QueueSample
from chaos.model.exchange import Exchanged
from chaos.model.folder import File
from chaos.model.grading import Reviewed
from chaos.model.interleaving import Schedule
from chaos.model.journal import Event
from chaos.model.loadplan import DriverReport
from chaos.model.world import SeededWorld

_T = TypeVar("_T")

_ALWAYS = frozenset({"missing", "settled", "healthy", "cut"})
"""An end state without one of these is refused: a lost field would look like its default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that is known of a run. None: the file is missing or can't be read; *unread* says why, by file name."""

    events: Sequence[Event]
    history: History
    state: EndState | None
    driver: DriverReport | None
    host: Sequence[HostSample]
    histograms: HistogramCounts | None
    queue: Sequence[QueueSample] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    clocks: Sequence[ClockReading] = ()
    world: SeededWorld | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    exchanged: Exchanged = field(default_factory=Exchanged)
    contract: Contract | None = None
    schedules: Sequence[Schedule] = ()
    review: Reviewed | None = None
    audit: Audited | None = None


def read_record(evidence: Path) -> Record:
    """All that the folder holds. What is missing or damaged is None or empty, and named in `unread`."""
    unread: dict[str, str] = {}

    def read(name: str, reader: Callable[[Path], _T], missing: _T) -> _T:
        try:
            return reader(evidence / name)
        except NoSuchFile:
            unread[name] = f"{name} is missing"
        except Unreadable as error:
            unread[name] = str(error)
        return missing

    events: list[Event] = read(File.JOURNAL, lambda path: list(read_events(path)), [])
    return Record(
        events=events,
        history=History.of_run(evidence),
        state=read(File.STATE, end_state, None),
        driver=read(File.DRIVER, lambda path: read_json(path, DriverReport), None),
        host=read(File.HOST, _lines(HostSample), []),
        clocks=read(File.CLOCKS, _lines(ClockReading), []),
        queue=read(File.METRICS, queue_samples, []),
        world=read(File.WORLD, lambda path: read_json(path, SeededWorld), None),
        histograms=read(File.HISTOGRAMS, lambda path: histogram_counts(read_bytes(path)), None),
        schedules=read(File.SCHEDULES, _lines(Schedule), []) if is_regular(evidence / File.SCHEDULES) else [],
        unread=unread,
        digests=digests(evidence),
        exchanged=read_exchanged(evidence, t0_unix_s=second_0(events)),
        review=read(File.REVIEW, read_review, None),
        audit=read(File.AUDIT, read_audit, None),
        contract=read(File.CONTRACT, read_contract, None),
    )


def end_state(path: Path) -> EndState:
    """state.json. A table that is absent from it counts as missing, not as empty. Raises: Unreadable."""
    raw = read_bytes(path, most=MOST_STATE_BYTES)
    state = decoded(raw, EndState, where=path.name)
    absent = set(EndState.__struct_fields__) - decoded(raw, dict[str, msgspec.Raw], where=path.name).keys()
    if told := sorted(absent & _ALWAYS):
        raise Unreadable(f"{path.name}: got no {', '.join(told)}, expected the end state of a run")
    for name in sorted(absent - {"settle_s"}):
        state.missing.setdefault(name, f"{path.name} has no {name}")
    return state


def _lines(type_: type[_T]) -> Callable[[Path], list[_T]]:
    """Reads up to the first line that can't be read: the writer may have been stopped within its last line."""

    def read(path: Path) -> list[_T]:
        decoder, found = msgspec.json.Decoder(type_), list[_T]()
        for line in lines(path, most=MOST_BYTES):
            try:
                found.append(decoder.decode(line))
            except UNFIT:
                break
            if len(found) == MOST_S:  # one a second
                break
        return found

    return read
