"""Writes one worker's history file, so that no request is sent without its `invoke` line in it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from chaos.model.history import Dropped, End, Fail, Info, Invoke, Line, Ok, Seen, Start


class HistoryLost(Exception):
    """The history can't be written any more (most likely the disk is full): the run must end, because no request may be
    sent without a record.
    """


class HistoryWriter:
    """Appends lines to *path*.

    `invoke` returns only after the kernel has the line: the line survives a `kill -9` of the driver, so the request
    that is sent next can't be missing. Endings wait for the next `invoke` or `flush`, which saves a system call per
    operation; a lost ending makes the operation unknown, never wrong.

    Raises: HistoryLost from every method that writes. FileExistsError when *path* exists: a history has one writer.
    """

    def __init__(self, path: Path, start: Start) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._buffer = bytearray()
        self._encode_into = msgspec.json.Encoder().encode_into
        self._lines = 0
        self._append(start)
        self.flush()

    def _append(self, line: Line) -> None:
        self._encode_into(line, self._buffer, -1)
        self._buffer += b"\n"
        self._lines += 1

    def invoke(self, line: Invoke) -> None:
        """Write *line* and all waiting lines, before the caller sends."""
        self._append(line)
        self.flush()

    def ending(self, line: Ok | Fail | Info | Seen | Dropped) -> None:
        """Record how an operation ended, or a page that it showed."""
        self._append(line)

    def flush(self) -> None:
        """Give all waiting lines to the kernel."""
        while self._buffer:
            try:
                written = os.write(self._file, self._buffer)
            except OSError as error:
                raise HistoryLost(f"{self._path}: got {error.strerror}, expected to write the history") from error
            del self._buffer[:written]

    def close(self) -> None:
        """Write the `end` line and make the file durable. Idempotent."""
        if self._file < 0:
            return
        self._append(End(lines=self._lines))
        self.flush()
        os.fsync(self._file)
        os.close(self._file)
        self._file = -1
