"""Unified diffs, applied exactly: context lines have to be equal, only line numbers may differ. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_HUNK: Final = re.compile(r"@@ -(?P<old>\d+)(?:,(?P<removed>\d+))? \+\d+(?:,(?P<added>\d+))? @@")
_NOWHERE: Final = "/dev/null"


class DoesNotApply(Exception):
    """A diff that can't be read, or that doesn't fit the file: `where: got X, expected Y`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """Lines *before* become *after*; `line` is where they began when the diff was made, from 1."""

    line: int
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    """What happens to one file; `creates` and `removes` exclude each other."""

    path: str
    hunks: tuple[Hunk, ...]
    creates: bool = False
    removes: bool = False


def parse(text: str) -> list[FileDiff]:
    """The file diffs of *text*; what stands before the first `---` line is prose.

    Raises:
        DoesNotApply: Not a unified diff, or one that touches nothing.
    """
    lines = text.split("\n")
    number, found = 0, []
    while number < len(lines):
        if lines[number].startswith("--- ") and number + 1 < len(lines) and lines[number + 1].startswith("+++ "):
            old, new = _name(lines[number]), _name(lines[number + 1])
            hunks, number = _hunks(lines, number + 2)
            path = old if new == _NOWHERE else new
            if not hunks:
                raise DoesNotApply(f"{path}: got no hunk, expected at least one")
            found.append(FileDiff(path=path, hunks=hunks, creates=old == _NOWHERE, removes=new == _NOWHERE))
        else:
            number += 1
    if not found:
        raise DoesNotApply("got no `---` and `+++` lines, expected a unified diff")
    return found


def _name(line: str) -> str:
    name = line[4:].split("\t", maxsplit=1)[0].strip()
    path = name if name == _NOWHERE else name.partition("/")[2]
    if path != _NOWHERE and (not path or path.startswith("/") or ".." in path.split("/")):
        raise DoesNotApply(f"got the file name {name!r}, expected a/PATH or b/PATH")
    return path


def _hunks(lines: list[str], number: int) -> tuple[tuple[Hunk, ...], int]:
    hunks = []
    while number < len(lines) and (head := _HUNK.match(lines[number])):
        left_before, left_after = (int(head[name] or "1") for name in ("removed", "added"))
        before, after = list[str](), list[str]()
        number += 1
        # By count: a removed line may look like the start of another file.
        while left_before > 0 or left_after > 0:
            sign, line = (lines[number][:1] or " ", lines[number][1:]) if number < len(lines) else ("", "")
            if sign not in {" ", "-", "+"}:
                raise DoesNotApply(f"line {number + 1}: got {sign + line!r}, expected more lines of {head[0]}")
            if sign != "+":
                before.append(line)
                left_before -= 1
            if sign != "-":
                after.append(line)
                left_after -= 1
            number += 1
        hunks.append(Hunk(line=int(head["old"]), before=tuple(before), after=tuple(after)))
    return tuple(hunks), number


def applied(diff: FileDiff, old: str | None) -> str | None:
    """The new text of the file; None when it is gone. *old* is None for a file that isn't there.

    Raises:
        DoesNotApply: The file is not as the diff expects it.
    """
    if diff.creates != (old is None):
        there = "a file that is there already" if diff.creates else "no such file"
        raise DoesNotApply(f"{diff.path}: got {there}, expected {'none' if diff.creates else 'one'}")
    lines = (old or "").split("\n")
    if lines[-1] != "":
        raise DoesNotApply(f"{diff.path}: got no newline at the end, expected one")
    lines.pop()
    moved, done = 0, 0
    for position, hunk in enumerate(diff.hunks, 1):
        start = _place(lines, hunk, expected=hunk.line - 1 + moved, done=done)
        if start is None:
            where = f"{diff.path}: hunk {position} (line {hunk.line})"
            raise DoesNotApply(f"{where}: got other lines, or the same in several places, expected the diff's once")
        lines[start : start + len(hunk.before)] = hunk.after
        moved = start - (hunk.line - 1) + len(hunk.after) - len(hunk.before)
        done = start + len(hunk.after)
    if diff.removes:
        if lines:
            raise DoesNotApply(f"{diff.path}: got {len(lines)} more lines, expected the diff to remove all")
        return None
    return "\n".join([*lines, ""])


def _place(lines: list[str], hunk: Hunk, *, expected: int, done: int) -> int | None:
    """Where *hunk* fits: where it was expected, else the only other place after line *done*."""
    if not hunk.before:  # a new file
        return 0
    length = len(hunk.before)
    places = [at for at in range(done, len(lines) - length + 1) if tuple(lines[at : at + length]) == hunk.before]
    if expected in places:
        return expected
    return places[0] if len(places) == 1 else None
