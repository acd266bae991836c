"""Writes one worker's history file so that no request is ever sent without its `invoke` line on record."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from chaos.model.history import Dropped, End, Fail, Info, Invoke, Line, Ok, Start


class HistoryLost(Exception):
    """The record can't be written any more (disk full, most likely): the run must end, because nothing may be sent
    off the record.
    """


class HistoryWriter:
    """Appends lines to *path*.

    `invoke` returns only after the kernel has the line: it survives a `kill -9` of the driver, so the request that is
    sent next cannot be missing. Endings wait for the next `invoke` or `flush`: losing one makes the operation unknown,
    never wrong, and it saves a system call per operation.

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
        """Write *line* and everything that waits, before the caller sends."""
        self._append(line)
        self.flush()

    def ending(self, line: Ok | Fail | Info | Dropped) -> None:
        """Record how an operation ended."""
        self._append(line)

    def flush(self) -> None:
        """Hand everything to the kernel."""
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
