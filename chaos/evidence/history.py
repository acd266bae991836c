"""Reads a run's history and joins each operation's lines, in one pass and with little memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from chaos.evidence.files import MOST_HISTORY_BYTES, UNFIT, Unreadable, batches, files_in
from chaos.model.folder import HISTORY
from chaos.model.history import HISTORY_VERSION, End, Fail, Info, Ok, Operation, Outcome, Seen, Start
from chaos.model.world import Page, page_digest

MOST_OPERATIONS = 2_000_000
"""Twice as many as `bench/judge.py` judges; each operation that has not ended yet is held in memory."""
MAX_PROBLEMS = 10
SAME_START_S = 0.001


class _Invoked(Operation, tag="invoke", tag_field="t", kw_only=True, gc=False):
    """An invoke line, decoded straight into the operation that it begins; without an ending it stays `info`."""

    outcome: Outcome = Outcome.INFO


class _NeverSent(Operation, tag="dropped", tag_field="t", kw_only=True, gc=False):
    """A dropped line."""

    outcome: Outcome = Outcome.DROPPED


_LINES = msgspec.json.Decoder(_Invoked | Ok | Fail | Info | Seen | _NeverSent | Start | End)
_OUTCOME: dict[type[msgspec.Struct], Outcome] = {Ok: Outcome.OK, Fail: Outcome.FAIL, Info: Outcome.INFO}


class History:
    """A run's operations, in no particular order; iterate once, then read the facts.

    Attributes:
        t0_unix_s: Wall clock of second 0; None when there is no start line.
        salt: Of the run's request ids; empty when they are the operations' own ids.
        operations: Operations seen.
        lines: Lines read.
        pages: Digest → what pages of events showed.
        problems: Why the history can't be trusted to be complete, each `file: got X, expected Y`; at most ten.
    """

    def __init__(self, files: Sequence[Path], *, most: int = MOST_HISTORY_BYTES) -> None:
        self.files = tuple(files)
        self._most = most
        self.t0_unix_s: float | None = None
        self.salt = ""
        self.operations = 0
        self.lines = 0
        self.pages: dict[str, Page] = {}
        self.problems: list[str] = []
        if not files:
            self._problem("history: got no file, expected one per load worker")

    @classmethod
    def of_run(cls, evidence: Path, *, most: int = MOST_HISTORY_BYTES) -> History:
        """The history of an evidence folder, plain or compressed; of its files together at most *most* bytes.

        A file that exists in both forms was being compressed when the run died: the plain one, which is whole, is read.
        """
        plain = files_in(evidence, HISTORY, ".jsonl")
        compressed = files_in(evidence, HISTORY, ".jsonl.gz")
        return cls([*plain, *(path for path in compressed if path.with_suffix("") not in plain)], most=most)

    def __iter__(self) -> Iterator[Operation]:
        return chain.from_iterable(map(self._file, self.files))

    def _file(self, path: Path) -> Iterator[Operation]:
        open_: dict[str, Operation] = {}
        lines = operations = 0
        ends: list[tuple[int, End]] = []
        for batch in self._batches(path):
            if self.operations + operations + len(open_) + len(batch) > MOST_OPERATIONS:
                self._problem(f"{path.name}: got more than {MOST_OPERATIONS} operations, expected at most those")
                break
            for lines, line in enumerate(batch, lines + 1):  # noqa: B020 (counts on over all batches)
                kind = type(line)
                if kind is _Invoked:
                    if open_.setdefault(line.id, line) is not line:
                        self._problem(f"{path.name}: got operation {line.id} twice, expected once")
                elif (outcome := _OUTCOME.get(kind)) is not None:
                    begun = open_.pop(line.id, None)
                    if begun is None:
                        self._problem(f"{path.name}: got an ending of {line.id}, expected its invoke line before")
                        continue
                    begun.outcome = outcome
                    begun.ended = line.ended
                    begun.status = line.status
                    if line.refused or line.reason:
                        begun.refused, begun.reason = line.refused, line.reason
                    if line.order_status:
                        begun.order_status = line.order_status
                    if line.issued or line.digest or line.shown is not None:
                        begun.shown, begun.issued, begun.digest = line.shown, line.issued, line.digest
                    if line.content_type:
                        begun.content_type, begun.problem = line.content_type, line.problem
                    if line.stale or line.age_s is not None:
                        begun.stale, begun.age_s = line.stale, line.age_s
                    if line.seen:
                        begun.seen, begun.seats, begun.tickets = line.seen, line.seats, line.tickets
                    begun.order = line.order or begun.order
                    operations += 1
                    yield begun
                elif kind is _NeverSent:
                    operations += 1
                    yield line
                elif kind is Seen:
                    self._page(path, line)
                elif kind is Start:
                    self._start(path, line, first=lines == 1)
                elif not ends:
                    ends.append((lines - 1, line))
        self._check_end(path, lines, ends)
        yield from open_.values()
        self.operations += operations + len(open_)
        self.lines += lines

    def _batches(self, path: Path) -> Iterator[list[Any]]:
        """Decoded lines of a file, about a mebibyte at a time. Lines that can't be read are noted and left out."""
        try:
            for batch in batches(path, most=self._most // max(1, len(self.files))):
                yield self._decoded(path, batch)
        except Unreadable as error:
            self._problem(str(error))

    def _decoded(self, path: Path, lines: bytes) -> list[Any]:
        try:
            return _LINES.decode_lines(lines)
        except UNFIT:
            good = []
            for line in lines.split(b"\n"):
                try:
                    good.append(_LINES.decode(line))
                except UNFIT as error:
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

    def _page(self, path: Path, line: Seen) -> None:
        """Keeps the page, if its digest is right."""
        try:
            page = msgspec.convert(line.events, Page)
        except msgspec.ValidationError as error:
            self._problem(f"{path.name}: got {error} in what {line.seen} stands for, expected a page of events")
            return
        if page_digest(page) != line.seen:
            self._problem(f"{path.name}: got a page that is not {line.seen}'s, expected the one that was seen")
            return
        self.pages[line.seen] = page

    def _start(self, path: Path, start: Start, *, first: bool) -> None:
        if not first:
            self._problem(f"{path.name}: got a start line amid the file, expected it first and only once")
        if start.version != HISTORY_VERSION:
            self._problem(f"{path.name}: got version {start.version}, expected {HISTORY_VERSION}")
        self.salt = self.salt or start.salt
        if self.t0_unix_s is None:
            self.t0_unix_s = start.t0_unix_s
        elif abs(self.t0_unix_s - start.t0_unix_s) > SAME_START_S:
            self._problem(f"{path.name}: got second 0 at {start.t0_unix_s}, expected {self.t0_unix_s} as in the others")

    def _problem(self, text: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(text)
