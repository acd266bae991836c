"""A unified diff that fits several bases: each hunk has just enough context to be found in all of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

_MOST: Final = 4
_JOINED: Final = 2
"""Changes with at most this many lines between them become one hunk."""


def fitting_diff(path: str, old: str | None, new: str | None, others: Sequence[str]) -> str:
    """What makes *new* of *old*, so that it also applies to *others* (the file in other variants) where it can."""
    if old == new:
        return ""
    if old is None or new is None:
        return _whole(path, old, new)
    before, after = old.splitlines(), new.splitlines()
    hunks = [
        _hunk(before, after, change, [before, *(other.splitlines() for other in others)])
        for change in _changes(before, after)
    ]
    return f"--- a/{path}\n+++ b/{path}\n" + "".join(hunks)


def _whole(path: str, old: str | None, new: str | None) -> str:
    """The diff of a file that is created or removed."""
    names = ("/dev/null", f"b/{path}") if old is None else (f"a/{path}", "/dev/null")
    lines = difflib.unified_diff((old or "").splitlines(True), (new or "").splitlines(True), *names)
    return "".join(lines)


def _changes(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Ranges that differ, those close to each other as one."""
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    changes = [block[1:] for block in blocks if block[0] != "equal"]
    joined = [[changes[0]]]
    for one, next_ in pairwise(changes):
        if next_[0] - one[1] <= _JOINED:
            joined[-1].append(next_)
        else:
            joined.append([next_])
    for group in joined:
        yield group[0][0], group[-1][1], group[0][2], group[-1][3]


def _hunk(before: Sequence[str], after: Sequence[str], change: tuple[int, int, int, int], all_: list[list[str]]) -> str:
    start, end, new_start, new_end = change
    sizes = sorted(
        ((a, b) for a in range(_MOST) for b in range(_MOST)), key=lambda size: (sum(size), abs(size[0] - size[1]))
    )
    above, below = next(
        (
            (a, b)
            for a, b in sizes
            if start >= a and all(_count(lines, before[start - a : end + b]) == 1 for lines in all_)
        ),
        (_MOST - 1, _MOST - 1),
    )
    above = min(above, start)
    head = before[start - above : start]
    tail = before[end : end + below]
    removed, added = before[start:end], after[new_start:new_end]
    old, new = (len(head) + len(lines) + len(tail) for lines in (removed, added))
    at = f"@@ -{start - above + 1},{old} +{new_start - above + 1},{new} @@"
    lines = [at, *(f" {line}" for line in head)]
    lines += [*(f"-{line}" for line in removed), *(f"+{line}" for line in added), *(f" {line}" for line in tail)]
    return "".join(f"{line}\n" for line in lines)


def _count(lines: list[str], part: Sequence[str]) -> int:
    """How often *part* is in *lines*; 0 for an empty part."""
    if not part:
        return 0
    return sum(lines[at : at + len(part)] == list(part) for at in range(len(lines) - len(part) + 1))
