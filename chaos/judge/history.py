"""Reads a run's history and joins each operation's lines, in one pass and with little memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from chaos.model.history import HISTORY_VERSION, End, Fail, Info, Ok, Operation, Outcome, Start

CHUNK_BYTES = 1 << 20
MAX_PROBLEMS = 10
SAME_START_S = 0.001


class _Invoked(Operation, tag="invoke", tag_field="t", kw_only=True, gc=False):
    """An invoke line, decoded straight into the operation that it begins; without an ending it stays `info`."""

    outcome: Outcome = Outcome.INFO


class _NeverSent(Operation, tag="dropped", tag_field="t", kw_only=True, gc=False):
    """A dropped line."""

    outcome: Outcome = Outcome.DROPPED


_LINES = msgspec.json.Decoder(_Invoked | Ok | Fail | Info | _NeverSent | Start | End)
_OUTCOME: dict[type[msgspec.Struct], Outcome] = {Ok: Outcome.OK, Fail: Outcome.FAIL, Info: Outcome.INFO}


class History:
    """A run's operations, in no particular order; iterate once, then read the facts.

    Attributes:
        t0_unix_s: Wall clock of second 0; None when there is no start line.
        operations: Operations seen.
        lines: Lines read.
        problems: Why the history can't be trusted to be complete, each `file: got X, expected Y`; at most ten.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = tuple(files)
        self.t0_unix_s: float | None = None
        self.operations = 0
        self.lines = 0
        self.problems: list[str] = []
        if not files:
            self._problem("history: got no file, expected one per load worker")

    @classmethod
    def of_run(cls, evidence: Path) -> History:
        """The history of an evidence folder, plain or compressed.

        A file that is there in both forms was being compressed when the run died: the plain one is whole.
        """
        plain = sorted((evidence / "history").glob("*.jsonl"))
        compressed = sorted((evidence / "history").glob("*.jsonl.gz"))
        return cls([*plain, *(path for path in compressed if path.with_suffix("") not in plain)])

    def __iter__(self) -> Iterator[Operation]:
        for path in self.files:
            yield from self._file(path)

    def _file(self, path: Path) -> Iterator[Operation]:
        open_: dict[str, Operation] = {}
        lines = operations = 0
        ends: list[tuple[int, End]] = []
        for batch in self._batches(path):
            for lines, line in enumerate(batch, lines + 1):  # noqa: B020 (counts on over all batches)
                kind = type(line)
                outcome = _OUTCOME.get(kind)
                if kind is _Invoked:
                    op = cast(Operation, line)
                    if open_.setdefault(op.id, op) is not op:
                        self._problem(f"{path.name}: got operation {op.id} twice, expected once")
                elif outcome is not None:
                    ended = cast(Ok, line)
                    begun = open_.pop(ended.id, None)
                    if begun is None:
                        self._problem(f"{path.name}: got an ending of {ended.id}, expected its invoke line before")
                        continue
                    begun.outcome = outcome
                    begun.ended = ended.ended
                    begun.status = ended.status
                    begun.refused = ended.refused
                    begun.reason = ended.reason
                    begun.order_status = ended.order_status
                    begun.shown, begun.issued, begun.digest = ended.shown, ended.issued, ended.digest
                    if ended.content_type:
                        begun.content_type, begun.problem = ended.content_type, ended.problem
                    if ended.stale or ended.age_s is not None:
                        begun.stale, begun.age_s = ended.stale, ended.age_s
                    begun.order = ended.order or begun.order
                    operations += 1
                    yield begun
                elif kind is _NeverSent:
                    operations += 1
                    yield cast(Operation, line)
                elif kind is Start:
                    self._start(path, cast(Start, line), first=lines == 1)
                else:
                    ends.append((lines - 1, cast(End, line)))
        self._check_end(path, lines, ends)
        yield from open_.values()
        self.operations += operations + len(open_)
        self.lines += lines

    def _batches(self, path: Path) -> Iterator[list[msgspec.Struct]]:
        """Decoded lines of a file, about a mebibyte at a time. Lines that can't be read are noted and left out."""
        try:
            with cast(BinaryIO, gzip.open(path) if path.suffix == ".gz" else path.open("rb")) as file:
                rest = b""
                while chunk := file.read(CHUNK_BYTES):
                    whole, newline, tail = chunk.rpartition(b"\n")
                    if newline:
                        yield self._decoded(path, rest + whole)
                        rest = tail
                    else:
                        rest += tail
                if rest:
                    yield self._decoded(path, rest)
        except (OSError, EOFError, zlib.error) as error:
            self._problem(f"{path.name}: got {error}, expected a readable file")

    def _decoded(self, path: Path, lines: bytes) -> list[msgspec.Struct]:
        try:
            return cast(list[msgspec.Struct], _LINES.decode_lines(lines))
        except msgspec.DecodeError:
            good = []
            for line in lines.split(b"\n"):
                try:
                    good.append(cast(msgspec.Struct, _LINES.decode(line)))
                except msgspec.DecodeError as error:
                    self._problem(f"{path.name}: got {line[:60]!r} ({error}), expected a whole line of the history")
            return good

    def _check_end(self, path: Path, read: int, ends: list[tuple[int, End]]) -> None:
        if not ends:
            self._problem(f"{path.name}: got no end line, expected one: the load worker was killed or is still running")
            return
        position, end = ends[0]
        if position != read - 1:
            self._problem(f"{path.name}: got lines after the end line, expected none")
        if end.lines != position:
            self._problem(f"{path.name}: got {position} lines, expected {end.lines} as its end line says")

    def _start(self, path: Path, start: Start, *, first: bool) -> None:
        if not first:
            self._problem(f"{path.name}: got a start line amid the file, expected it first and only once")
        if start.version != HISTORY_VERSION:
            self._problem(f"{path.name}: got version {start.version}, expected {HISTORY_VERSION}")
        if self.t0_unix_s is None:
            self.t0_unix_s = start.t0_unix_s
        elif abs(self.t0_unix_s - start.t0_unix_s) > SAME_START_S:
            self._problem(f"{path.name}: got second 0 at {start.t0_unix_s}, expected {self.t0_unix_s} as in the others")

    def _problem(self, text: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(text)


def read_operations(files: Iterable[Path]) -> list[Operation]:
    """All operations of a small history."""
    return list(History(tuple(files)))
