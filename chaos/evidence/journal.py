"""journal.jsonl: written event by event during the run, read by judge, report and dashboard."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

import msgspec

from chaos.evidence.files import MOST_BYTES, Unreadable, decoded, is_shallow, read_bytes, too_deep
from chaos.model.journal import Event, EventKind


class Journal:
    """Appends events; each is on disk before `write` returns, so a crash loses none.

    One writing process only. Safe to call from several threads of it.

    Args:
        after: Events that the file has already, when the journal of a dead writer is completed.
        now_unix_s: The run's clock, from which `at_s` is computed.
        wall_unix_s: The wall clock: `at_unix_s`, for people.
    """

    def __init__(
        self,
        path: Path,
        *,
        after: Sequence[Event] = (),
        now_unix_s: Callable[[], float] = time.time,
        wall_unix_s: Callable[[], float] = time.time,
    ) -> None:
        if after:
            _end_torn_line(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._now_unix_s, self._wall_unix_s = now_unix_s, wall_unix_s
        self._lock = Lock()
        self._seq = after[-1].seq + 1 if after else 0
        self._encoder = msgspec.json.Encoder()
        self.t0_unix_s: float | None = None
        self.listeners: list[Callable[[Event], None]] = []

    def write(self, event: EventKind, **data: Any) -> Event:
        """Append one event. Raises: OSError when the disk is full; the journal then ends before this event.

        Listeners are called afterwards. An error of one is ignored: the event is on disk.
        """
        with self._lock:
            at_s = None if self.t0_unix_s is None else round(self._now_unix_s() - self.t0_unix_s, 6)
            line = Event(seq=self._seq, at_unix_s=round(self._wall_unix_s(), 6), event=event, at_s=at_s, data=data)
            self._append(self._encoder.encode(line) + b"\n")
            self._seq += 1
        for listener in self.listeners:
            with suppress(OSError, ValueError):  # the terminal that showed the run was closed
                listener(line)
        return line

    def _append(self, payload: bytes) -> None:
        """Write all of *payload*, or nothing: half a line would make the next event unreadable, too."""
        size = os.fstat(self._file).st_size
        try:
            rest = memoryview(payload)
            while rest:  # a partial write raises nothing; the next one raises the reason
                rest = rest[os.write(self._file, rest) :]
            os.fsync(self._file)
        except OSError:
            with suppress(OSError):  # a device has no length
                os.ftruncate(self._file, size)
            raise

    def close(self) -> None:
        """Idempotent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _end_torn_line(path: Path) -> None:
    """End or remove a last line without a newline (its writer died), so that the next event does not join it.

    A line that lacks only its newline can be read, so it stays.
    """
    content = read_bytes(path)
    whole = content.rfind(b"\n") + 1
    if whole == len(content):
        return
    try:
        _event(content[whole:], path.name)
    except Unreadable:
        os.truncate(path, whole)
    else:
        with path.open("ab") as file:
            file.write(b"\n")


def read_events(path: Path) -> Iterator[Event]:
    """Events of a journal in order; a torn last line (the writer died while writing it) is left out.

    Raises: Unreadable when the file can't be used, or for damage in any other line.
    """
    lines = read_bytes(path, most=MOST_BYTES).split(b"\n")
    torn = lines.pop()
    for number, line in enumerate(lines, 1):
        yield _event(line, f"{path.name}: line {number}")
    if torn:
        with suppress(Unreadable):
            yield _event(torn, path.name)


def _event(line: bytes, where: str) -> Event:
    event = decoded(line, Event, where=where)
    if not is_shallow(event.data):
        raise too_deep(where)
    return event
