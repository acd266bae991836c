"""journal.jsonl: written event by event as the run goes, read back by judge, report and dashboard."""

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

from chaos.model.journal import Event, EventKind


class Journal:
    """Appends events; each is on disk before `write` returns, so a crash leaves what had happened.

    One writer only. Safe to call from several threads of that writer.

    Args:
        after: Events that are in the file already, when a dead writer's journal is closed.
    """

    def __init__(self, path: Path, *, after: Sequence[Event] = (), now_unix_s: Callable[[], float] = time.time) -> None:
        if after:
            _end_torn_line(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._now_unix_s = now_unix_s
        self._lock = Lock()
        self._seq = after[-1].seq + 1 if after else 0
        self._encoder = msgspec.json.Encoder()
        self.t0_unix_s: float | None = None
        self.listeners: list[Callable[[Event], None]] = []

    def write(self, event: EventKind, **data: Any) -> Event:
        """Append one event. Raises: OSError when the disk is full; the journal then ends before it.

        Listeners are told afterwards. One that fails keeps nobody from writing: the event is on disk.
        """
        with self._lock:
            now = self._now_unix_s()
            at_s = None if self.t0_unix_s is None else round(now - self.t0_unix_s, 6)
            line = Event(seq=self._seq, at_unix_s=round(now, 6), event=event, at_s=at_s, data=data)
            self._append(self._encoder.encode(line) + b"\n")
            self._seq += 1
        for listener in self.listeners:
            with suppress(OSError, ValueError):  # whoever watched the run has closed the terminal
                listener(line)
        return line

    def _append(self, payload: bytes) -> None:
        """All of *payload*, or nothing: half a line would swallow the event that is written next."""
        size = os.fstat(self._file).st_size
        try:
            rest = memoryview(payload)
            while rest:  # what fits only in part says nothing; the next attempt says why
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
    """A writer that died amid a line left no newline; what follows must not become part of it.

    A line that is whole but for its newline counts as read, so it stays.
    """
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole == len(content):
        return
    try:
        msgspec.json.decode(content[whole:], type=Event)
    except msgspec.DecodeError:
        os.truncate(path, whole)
    else:
        with path.open("ab") as file:
            file.write(b"\n")


def read_events(path: Path) -> Iterator[Event]:
    """Events of a journal in order; a torn last line (the writer died in it) is left out.

    Raises: msgspec.DecodeError for damage anywhere else.
    """
    decoder = msgspec.json.Decoder(Event)
    lines = path.read_bytes().split(b"\n")
    torn = lines.pop()
    for line in lines:
        yield decoder.decode(line)
    if torn:
        try:
            yield decoder.decode(torn)
        except msgspec.DecodeError:
            return
