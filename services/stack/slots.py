"""Slots of drill 6's samples: a place in the skeleton, and the alternative texts for it.

services/shop/samples/README.md describes the format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["flawed", "trap", "correct"]
KINDS: Final[tuple[Kind, ...]] = ("flawed", "trap", "correct")
SEVERITIES: Final = ("low", "medium", "high", "critical")
_KEYS: Final = {"title", "cwe", "severity", "imports"}


class BadSlot(Exception):
    """A slot's file that can't be used: `file:line: got X, expected Y`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One text of a slot.

    Attributes:
        cwe: CWE numbers (Common Weakness Enumeration) that a note may give for the flaw, or wrongly for the trap.
        severity: One of `SEVERITIES`; empty unless the kind is `flawed`.
        imports: Import statements that the text needs in its file.
        parts: Lines for each marker of the slot; the main marker's name is empty.
    """

    slot: str
    name: str
    kind: Kind
    title: str
    cwe: tuple[int, ...]
    severity: str
    imports: tuple[str, ...]
    parts: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place and its texts. *exploit* names the HTTP exploit of the flaw; empty when only a review can find it."""

    name: str
    exploit: str
    alternatives: tuple[Alternative, ...]

    def of_kind(self, kind: Kind) -> list[Alternative]:
        return [one for one in self.alternatives if one.kind == kind]


def slots(folder: Path) -> dict[str, Slot]:
    """Every slot below *folder*, by name. Raises: BadSlot."""
    found = [parse(path.read_text("utf-8"), path.name) for path in sorted(folder.glob("*.slot"))]
    return {slot.name: slot for slot in found}


def parse(text: str, where: str) -> Slot:
    """Read one slot's file. Raises: BadSlot."""
    head, *blocks = _blocks(text)
    header = _header(head[1], where, head[0], {"slot", "exploit", "bait"})
    name, bait = _one(header, "slot", where), _numbers(header.get("bait", []), where)
    if f"{name}.slot" != where:
        raise BadSlot(f"{where}: slot: got {name!r}, expected the file's name")
    alternatives = tuple(_alternative(name, line, block, where, bait) for line, block in blocks)
    for kind in KINDS:
        if not any(one.kind == kind for one in alternatives):
            raise BadSlot(f"{where}: got no alternative that is {kind}, expected one")
    return Slot(name=name, exploit=next(iter(header.get("exploit", [])), ""), alternatives=alternatives)


def _blocks(text: str) -> list[tuple[int, list[str]]]:
    """The head, then a block for each line that begins with `== `, each with the number of its first line."""
    found: list[tuple[int, list[str]]] = [(1, [])]
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("== "):
            found.append((number, []))
        found[-1][1].append(line)
    return found


def _alternative(slot: str, number: int, block: list[str], where: str, bait: tuple[int, ...]) -> Alternative:
    kind, _, name = block[0].removeprefix("== ").partition(" ")
    if kind not in KINDS or not name:
        raise BadSlot(f"{where}:{number}: got {block[0]!r}, expected == flawed|trap|correct NAME")
    at = next((index for index, line in enumerate(block) if line.rstrip() == "--"), None)
    if at is None:
        raise BadSlot(f"{where}:{number}: got no line --, expected one before the text")
    header = _header(block[1:at], where, number + 1, _KEYS)
    severity, cwe = next(iter(header.get("severity", [])), ""), _numbers(header.get("cwe", []), where)
    if kind == "flawed" and (severity not in SEVERITIES or not cwe or not header.get("title")):
        raise BadSlot(f"{where}:{number}: got no title, cwe or severity, expected all three of a flaw")
    return Alternative(
        slot=slot,
        name=name,
        kind=kind,
        title=next(iter(header.get("title", [])), ""),
        cwe=cwe if kind == "flawed" else bait,
        severity=severity,
        imports=tuple(header.get("imports", [])),
        parts=_parts(block[at:]),
    )


def _parts(lines: list[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    name = ""
    for line in lines:
        if line.rstrip() == "--" or line.startswith("-- "):
            name = line[2:].strip()
            found[name] = []
        else:
            found[name].append(line)
    return {part: tuple("\n".join(text).strip("\n").split("\n")) for part, text in found.items()}


def _header(lines: list[str], where: str, first: int, known: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for number, line in enumerate(lines, first):
        key, colon, value = line.partition(": ")
        if not line.strip():
            continue
        if not colon or key not in known:
            raise BadSlot(f"{where}:{number}: got {line!r}, expected one of {', '.join(sorted(known))}, then a colon")
        found.setdefault(key, []).append(value.strip())
    return found


def _one(header: Mapping[str, list[str]], key: str, where: str) -> str:
    values = header.get(key, [])
    if len(values) != 1:
        raise BadSlot(f"{where}: {key}: got {len(values)} of them, expected one")
    return values[0]


def _numbers(values: list[str], where: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for value in values for word in value.split())
    except ValueError:
        raise BadSlot(f"{where}: cwe: got {values!r}, expected numbers") from None
