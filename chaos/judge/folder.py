"""Reads the record of a run from its evidence folder.

The run itself judges from there too, so `verify` can't come to another verdict for another reading.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from chaos.journal import read_events
from chaos.judge.driver import histogram_counts
from chaos.judge.history import History
from chaos.judge.host import HostSample
from chaos.judge.judge import Record
from chaos.judge.queue import queue_samples
from chaos.model.evidence import EndState
from chaos.model.journal import Event
from chaos.model.loadplan import DriverReport

_T = TypeVar("_T")


def read_record(evidence: Path) -> Record:
    """All that the folder holds. What is missing or damaged is None or empty, which the judge takes as no data."""
    return Record(
        events=_or(evidence / "journal.jsonl", _events, []),
        history=History.of_run(evidence),
        state=_or(evidence / "state.json", _json(EndState), None),
        driver=_or(evidence / "driver.json", _json(DriverReport), None),
        host=_or(evidence / "host.jsonl", _host, []),
        queue=_or(evidence / "metrics.jsonl.gz", queue_samples, []),
        histograms=_or(evidence / "histograms.json", lambda path: histogram_counts(path.read_bytes()), None),
    )


def _json(type_: type[_T]) -> Callable[[Path], _T]:
    return lambda path: msgspec.json.decode(path.read_bytes(), type=type_)


def _events(path: Path) -> list[Event]:
    return list(read_events(path))


def _host(path: Path) -> list[HostSample]:
    """Whole lines only: the sampler may have been stopped amid its last one."""
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return msgspec.json.Decoder(HostSample).decode_lines(whole)


def _or(path: Path, read: Callable[[Path], _T], missing: _T) -> _T:
    try:
        return read(path)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return missing
