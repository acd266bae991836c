"""What a patch changes, file by file, and which lines of it are a means against races or failures. Reads text only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

NOT_CODE: Final = ("contract/", "tests/", "queries/", "review/")
"""Folders of an attempt in which the learner writes about the code: lists, tests, reasons, notes."""
_SAMPLE: Final = frozenset({"review/views.py", "review/serializers.py", "review/tasks.py"})
"""What drill 6 gives to be read; notes may stand in it, and nothing else."""

_HEAD: Final = b"diff --git a/"
_PARTS: Final = re.compile(rb"^(?=diff --git a/)", re.MULTILINE)
"""A head begins its line: the same words in a line of code come behind a space, + or -."""
_NO_MEANS: Final = ("#", '"', "'", "`", "import ", "from ", "class ")
MOST_OF_A_KIND: Final = 2
_LEAST_WORDS: Final = 2
"""A line of fewer words, such as `else:` or `)`, is alike in all code and says nothing about where it came from."""

PROTECTIONS: Final = {
    "row lock": re.compile(r"select_for_update"),
    "transaction": re.compile(r"\batomic\b|on_commit|isolation_level|SERIALIZABLE"),
    "conditional update": re.compile(r"\bF\(|\.filter\(.*\)\.update\(|\bUPDATE\b"),
    "constraint": re.compile(r"UniqueConstraint|CheckConstraint|unique=True|get_or_create|IntegrityError|ON CONFLICT"),
    "idempotency key": re.compile(r"[Ii]dempoten"),
    "retry": re.compile(r"autoretry|\bretry\b|retries|backoff"),
    "late acknowledgement": re.compile(r"acks_late|reject_on_worker_lost|visibility_timeout"),
    "advisory or cache lock": re.compile(r"advisory|\.lock\(|setnx|\bnx=True"),
    "timeout": re.compile(r"timeout|deadline", re.IGNORECASE),
    "outbox": re.compile(r"[Oo]utbox"),
}
"""What a line is, by what stands in it: a pattern, no proof that it protects anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a patch does to one file.

    Attributes:
        text: Its part of the patch.
        added: Number of the line in the new file → the line.
        removed: How many lines went.
    """

    name: str
    text: str
    added: Sequence[tuple[int, str]]
    removed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """An added line that looks like a means against a race or a failure."""

    file: str
    line: int
    kind: str
    text: str


def changes(patch: bytes, *, code_only: bool = True) -> list[Change]:
    """File by file, in the patch's order; *code_only* leaves out what is written about the code."""
    found = []
    for name, part in parts(patch):
        if is_code(name) or not code_only:
            found.append(_change(name, part.decode(errors="replace")))
    return found


def parts(patch: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and part of each file, in the patch's order."""
    for part in _PARTS.split(patch):
        if part.startswith(_HEAD):
            yield part.removeprefix(_HEAD).split(b" b/", 1)[0].decode(errors="replace"), part


def is_code(name: str) -> bool:
    """Whether the shop can run that file of an attempt: Python that lies beside what is written about the code, too."""
    if name.startswith("tests/") or name in _SAMPLE:
        return False
    return name.endswith(".py") or not name.startswith(NOT_CODE)


def _change(name: str, text: str) -> Change:
    added: list[tuple[int, str]] = []
    removed, number, inside = 0, 0, False
    for line in text.split("\n"):
        if hunk := re.match(r"@@ -\d+(?:,\d+)? \+(\d{1,9})", line):
            number, inside = int(hunk[1]), True
        elif not inside:
            continue
        elif line.startswith("+"):
            added.append((number, line[1:]))
            number += 1
        elif line.startswith("-"):
            removed += 1
        elif line.startswith(" "):
            number += 1
    return Change(name=name, text=text, added=added, removed=removed)


def same_code(one: bytes, other: bytes) -> bool:
    """Whether both change the code in the same way, whatever is written about it."""
    return [each.text for each in changes(one)] == [each.text for each in changes(other)]


def protections(found: Sequence[Change]) -> Iterator[Protection]:
    """Added lines that look like one, the first MOST_OF_A_KIND of each kind in a file; no imports, no prose."""
    seen: Counter[tuple[str, str]] = Counter()
    for change in found:
        for number, line in change.added:
            if line.lstrip().startswith(_NO_MEANS):
                continue
            kind = next((kind for kind, pattern in PROTECTIONS.items() if pattern.search(line)), "")
            seen[change.name, kind] += 1
            if kind and seen[change.name, kind] <= MOST_OF_A_KIND:
                yield Protection(file=change.name, line=number, kind=kind, text=line.strip())


def telling(lines: Sequence[str]) -> list[str]:
    """Lines that say something about where they came from, without the space around them."""
    return [
        line.strip()
        for line in lines
        if len(re.findall(r"\w+", line)) >= _LEAST_WORDS and not line.strip().startswith("#")
    ]
