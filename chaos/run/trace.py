"""Records statements and log lines that explain a run but do not decide it. An error becomes a note and ends no run."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from chaos.errors import FiredrillError
from chaos.files import write_atomic
from chaos.model.folder import File
from chaos.ports import Tracer

LONGEST_S = 180.0
"""A longer load would fill the disk with statements, so its run has no trace."""


class Traced:
    """The trace of one run. Its steps are called in order, each at most once; none of them raises."""

    def __init__(self, tracer: Tracer | None, *, lasts_s: float, note: Callable[[str], None]) -> None:
        self._tracer, self._note = tracer, note
        self._started = False
        if tracer is not None and lasts_s > LONGEST_S:
            self._note(f"no statement log: the load lasts {lasts_s:g} s, more than {LONGEST_S:g} s")
            self._tracer = None

    def start(self) -> None:
        if self._tracer is not None:
            self._started = True  # before the start, so that a start that fails half way is stopped too
            self._tried("start", self._tracer.start)

    def end(self, folder: Path) -> None:
        """Stop, and write both files."""
        tracer = self._tracer
        if tracer is None or not self._started:
            return
        self._tried("stop", tracer.stop)
        self._tried("statements", lambda: _write(folder / File.STATEMENTS, tracer.statements()))
        self._tried("log", lambda: _write(folder / File.LOG, tracer.lines()))

    def _tried(self, what: str, step: Callable[[], None]) -> bool:
        try:
            step()
        except (FiredrillError, OSError) as error:
            self._note(f"trace: {what}: {error}")
            return False
        return True


def _write(path: Path, lines: Sequence[msgspec.Struct]) -> None:
    encode = msgspec.json.Encoder().encode
    write_atomic(path, gzip.compress(b"".join(encode(line) + b"\n" for line in lines), compresslevel=6, mtime=0))
