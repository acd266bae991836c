"""Drill 6's sample and the notes on it, as they are on disk: the same files that the command line reads.

Notes are added and removed in the present content of the file, one change at a time, so that a second tab, or an editor
that has saved meanwhile, loses nothing.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import msgspec

from chaos.model.notes import NOTES_FILE, BadNotes, Note, as_yaml, distinct, from_yaml, in_place, text_of
from dashboard.errors import SourceAway

_STATE = ".review.json"
_WAY_ON = "`firedrill review start --seed 1` makes a sample to read."


class _State(msgspec.Struct, frozen=True, kw_only=True):
    seed: int | None
    files: dict[str, str]
    revealed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What is to be read.

    Attributes:
        seed: None for imported code.
        in_files: Notes that stand in the sample itself.
        in_yaml: Notes of `notes.yaml`, which can be taken back here.
        problems: Why notes can't be read.
    """

    seed: int | None
    files: dict[str, str]
    revealed: str
    in_files: Sequence[Note]
    in_yaml: Sequence[Note]
    problems: Sequence[str]

    @property
    def notes(self) -> list[Note]:
        return distinct([*self.in_files, *self.in_yaml])


def read(folder: Path) -> Sample:
    """The sample below an attempt's `review/`. Raises: SourceAway."""
    try:
        state = msgspec.json.decode((folder / _STATE).read_bytes(), type=_State)
    except FileNotFoundError:
        raise SourceAway("There is no code to review yet.", _WAY_ON) from None
    except (OSError, msgspec.DecodeError) as error:
        raise SourceAway(f"The review can't be read ({error}).", _WAY_ON) from None
    problems: list[str] = []
    in_files: list[Note] = []
    for name, original in state.files.items():
        in_files += _or_problems(lambda n=name, o=original: in_place(n, _text(folder / n), o), problems)  # type: ignore[misc]
    in_yaml = _or_problems(lambda: _yaml(folder, state), problems)
    return Sample(
        seed=state.seed,
        files=state.files,
        revealed=state.revealed,
        in_files=distinct(in_files),
        in_yaml=distinct(in_yaml),
        problems=problems,
    )


def add(folder: Path, sample: Sample, note: Note) -> None:
    """Put *note* into `notes.yaml`. Raises: SourceAway when it can't be."""
    text = as_yaml([note])
    try:
        from_yaml(text, sample.files)
    except BadNotes as error:
        raise SourceAway(
            f"Not added: {error.problems[0].partition('note 1: ')[2]}.", "Change it and add it again."
        ) from None
    _change(folder, lambda notes: [*notes, note])


def remove(folder: Path, sample: Sample, note: Note) -> None:
    """Take *note* out of `notes.yaml`, if it is still there. Raises: SourceAway when it can't be."""
    _change(folder, lambda notes: [one for one in notes if _same(one) != _same(note)])


def _same(note: Note) -> tuple[object, ...]:
    return note.file, note.line, note.last_line, note.cwe, note.why


def _change(folder: Path, change: Callable[[list[Note]], list[Note]]) -> None:
    try:
        with _alone(folder):
            state = msgspec.json.decode((folder / _STATE).read_bytes(), type=_State)
            notes = distinct(change(_yaml(folder, state)))
            handle, part = tempfile.mkstemp(dir=folder, prefix=f".{NOTES_FILE}.")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(_head(folder) + as_yaml(notes))
            Path(part).chmod(0o644)
            Path(part).replace(folder / NOTES_FILE)
    except BadNotes as error:
        raise SourceAway(
            f"Nothing was saved: {error.problems[0]}.", f"Mend `{NOTES_FILE}` in an editor first."
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        raise SourceAway(f"Nothing was saved: {error}.", "What you typed is still here.") from None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer at a time, of all tabs and processes."""
    with (folder / ".notes.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _head(folder: Path) -> str:
    """The comments at the top, which say how a note is written."""
    lines = _text(folder / NOTES_FILE).splitlines() if (folder / NOTES_FILE).exists() else []
    kept = list(takewhile(lambda line: line.startswith("#"), lines))
    return "".join(f"{line}\n" for line in kept)


def _yaml(folder: Path, state: _State) -> list[Note]:
    path = folder / NOTES_FILE
    return from_yaml(_text(path), state.files) if path.exists() else []


def _text(path: Path) -> str:
    try:
        return text_of(path.read_bytes(), path.name)
    except OSError as error:
        raise BadNotes(f"{path.name}: got {error.strerror}, expected a file to read") from None


def _or_problems(notes: Callable[[], list[Note]], problems: list[str]) -> list[Note]:
    try:
        return notes()
    except BadNotes as error:
        problems += error.problems
        return []
