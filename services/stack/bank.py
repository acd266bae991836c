"""A drill's bank: flaws as patches with a header, and flaws that `naive` itself has. The format: drafts/README.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.stack.unified_diff import DoesNotApply, FileDiff, parse

SHOP: Final = Path(__file__).resolve().parents[1] / "shop"
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,24}")  # the variant's name, `mutant_` included, has at most 32 characters
REQUIRED: Final = ("title", "drill", "flaw", "operation")
ALLOWED: Final = (*REQUIRED, "slot", "caught by", "scenario", "where", "family", "at", "not with")
_AT: Final = re.compile(r"(?P<file>[\w/.]+\.py) (?P<place>[\w.]+)(?: '(?P<text>[^']+)')?(?:, |$)")
_OPERATION: Final = re.compile(r"[A-Z]+ /[\w/{}]*")


class BadFlaw(Exception):
    """A file of a bank that is not as the format says: `where: got X, expected Y`."""


@dataclass(frozen=True, slots=True)
class At:
    """Lines of *file*: the class, function or field *place*; with a *text*, only its first line that holds *text*."""

    file: str
    place: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A flaw of a bank.

    Attributes:
        header: Key → value, as in the file.
        why: The prose below the header, for people.
        diffs: What the patch changes; empty for a flaw that `naive` itself has.
    """

    name: str
    header: Mapping[str, str]
    why: str
    diffs: tuple[FileDiff, ...]
    file: Path

    def __hash__(self) -> int:
        return hash(self.file)

    @property
    def slot(self) -> str:
        """Empty for a flaw of `naive` itself that no planted flaw replaces."""
        return self.header.get("slot", "")

    @property
    def operations(self) -> tuple[str, ...]:
        """`METHOD /path/{parameter}/`, each."""
        return tuple(self.header["operation"].split(", "))

    @property
    def at(self) -> tuple[At, ...]:
        """The places of the header's `at`; empty without it."""
        return tuple(
            At(found["file"], found["place"], found["text"] or "") for found in _AT.finditer(self.header.get("at", ""))
        )

    @property
    def not_with(self) -> frozenset[str]:
        """Names of flaws that hide or replace this one, or that this one hides or replaces."""
        return frozenset(name.strip() for name in self.header.get("not with", "").split(",") if name.strip())


def banks(shop: Path = SHOP) -> list[int]:
    """Numbers of the drills that have a bank."""
    return sorted(
        int(folder.name) for folder in (shop / "drafts").glob("*") if folder.is_dir() and folder.name.isdigit()
    )


def patches_of(name: str, shop: Path = SHOP) -> list[Path]:
    """Where the patch *name* for `hardened` may be: for it alone, for both variants, or of a flaw of `naive` itself."""
    folders = [shop / "drafts" / str(drill) for drill in banks(shop)]
    ends = (f"{name}.hardened.patch", f"{name}.patch", f"naive/{name}.hardened.patch")
    return [folder / end for folder in folders for end in ends]


def planted(drill: int, shop: Path = SHOP) -> list[Flaw]:
    """The flaws that a seed may pick, by name. Raises: BadFlaw."""
    files = sorted((shop / "drafts" / str(drill)).glob("*.patch"))
    return [read(file) for file in files if not file.name.endswith(".hardened.patch")]


def anyway(drill: int, shop: Path = SHOP) -> list[Flaw]:
    """The flaws that `naive` has, by name. Raises: BadFlaw."""
    return [read(file) for file in sorted((shop / "drafts" / str(drill) / "naive").glob("*.flaw"))]


def read(file: Path) -> Flaw:
    """One file of a bank. Raises: BadFlaw with all that is wrong."""
    where = f"{file.parent.name}/{file.name}"
    text = file.read_text("utf-8")
    above, _, _ = text.partition("\n--- ")
    head, _, why = above.partition("\n\n")
    header, problems = _header(where, head)
    diffs: list[FileDiff] = []
    if file.suffix == ".patch":
        try:
            diffs = parse(text)
        except DoesNotApply as error:
            problems.append(f"{where}: {error}")
    problems += _problems(where, file, header)
    if problems:
        raise BadFlaw("\n".join(problems))
    return Flaw(name=file.stem, header=header, why=" ".join(why.split()), diffs=tuple(diffs), file=file)


def _header(where: str, head: str) -> tuple[dict[str, str], list[str]]:
    header: dict[str, str] = {}
    problems = []
    for number, line in enumerate(head.splitlines(), 1):
        key, colon, value = line.partition(":")
        if not colon or key not in ALLOWED or key in header or not value.strip():
            problems.append(f"{where}:{number}: got {line!r}, expected one of {', '.join(ALLOWED)}, each once")
        header[key] = value.strip()
    return header, problems


def _problems(where: str, file: Path, header: Mapping[str, str]) -> Iterable[str]:
    required = (*REQUIRED, "slot", "caught by") if file.suffix == ".patch" else REQUIRED
    yield from (f"{where}: got no {key}, expected it in the header" for key in required if key not in header)
    if not NAME.fullmatch(file.stem):
        yield f"{where}: got the name {file.stem!r}, expected at most 25 of a-z, 0-9 and _"
    drill = (file.parent if file.suffix == ".patch" else file.parent.parent).name
    if header.get("drill", drill) != drill:
        yield f"{where}: drill: got {header['drill']!r}, expected {drill}"
    for operation in header.get("operation", "").split(", "):
        if operation and not _OPERATION.fullmatch(operation):
            yield f"{where}: operation: got {operation!r}, expected METHOD /path/{{parameter}}/, several with ', '"
    at = header.get("at", "")
    if "".join(found[0] for found in _AT.finditer(at)) != at:
        yield f"{where}: at: got {at!r}, expected FILE.py Class.name, several with ', '"
