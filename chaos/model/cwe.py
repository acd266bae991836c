"""The Common Weakness Enumeration: numbers, names, and a search by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

_FILE = Path(__file__).with_name("cwe.txt")


@cache
def names() -> Mapping[int, str]:
    """Number → name."""
    lines = (line.partition(" ") for line in _FILE.read_text("utf-8").splitlines() if line[:1].isdigit())
    return MappingProxyType({int(number): name for number, _, name in lines})


def search(text: str, *, most: int = 20) -> list[tuple[int, str]]:
    """Entries whose number begins with *text*, or whose name has all of its words; the shortest names first."""
    asked = text.strip().lower().removeprefix("cwe-")
    if not asked:
        return []
    if asked.isdecimal():
        found = [(number, name) for number, name in names().items() if str(number).startswith(asked)]
        return sorted(found)[:most]
    words = asked.split()
    found = [(number, name) for number, name in names().items() if all(word in name.lower() for word in words)]
    return sorted(found, key=lambda entry: (len(entry[1]), entry[0]))[:most]
