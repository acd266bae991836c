"""Where something is not as the contract promises: an operation, a place in it, and what kind of deviation it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

FAMILIES: Final[Mapping[str, str]] = {
    "type": "another type or format than promised: text for a number, a number for a time, a list for an object",
    "null": "null where it is not promised, or taken where it is not",
    "required": "a field that must be there is missing, or one that may be left out must be sent, and the reverse",
    "extra": "something that nobody promised: a field, an operation",
    "enum": "a word that is not among those promised",
    "limit": "a limit that is missing, or another one: lengths, amounts, sizes",
    "status": "another status than promised, or one that is not promised at all",
    "error": "a refusal of another shape or type than problem+json",
    "header": "a header that is missing",
    "writable": "a field that is not the caller's to change can be changed",
    "ignored": "a parameter that changes nothing, or a promise that nothing comes of",
    "access": "somebody gets or keeps what is not, or no longer, theirs",
}
_ALIKE: Final = (
    frozenset({"type", "null"}),
    frozenset({"type", "enum"}),
    frozenset({"limit", "ignored"}),
    frozenset({"status", "error"}),
    frozenset({"required", "ignored"}),
    frozenset({"status", "access"}),
)
"""Families that may name the same deviation: both words can be justified, so both are accepted."""
PARTS: Final = ("response", "request", "query", "path", "header", "status", "error")
_PARAMETER: Final = re.compile(r"\{[^}]*\}|<[^>]*>")
_CODES: Final = re.compile(r"[1-5](?:\d\d|xx)(?:\s*(?:/|→|->|,|or)\s*[1-5]\d\d)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an operation.

    Attributes:
        part: One of `PARTS`.
        path: Names from outside to inside, without the envelope of a page; empty for the whole.
        codes: Statuses that were named, promised or served; only for the parts `error` and `status`.
    """

    part: str
    path: tuple[str, ...] = ()
    codes: frozenset[int] = frozenset()

    def __str__(self) -> str:
        words = [self.part, "/".join(map(str, sorted(self.codes))), ".".join(self.path)]
        return " ".join(word for word in words if word)

    def is_like(self, other: Place) -> bool:
        """Whether both mean the same place; `price_cents` means `tiers.price_cents`, and `status` means any status."""
        if self.part != other.part or (self.codes and other.codes and not self.codes & other.codes):
            return False
        short, long = sorted((self.path, other.path), key=len)
        return short == long or (bool(short) and long[-len(short) :] == short)


@dataclass(frozen=True, slots=True)
class Deviation:
    """A difference from the contract that was seen, or is known.

    Attributes:
        operation: `METHOD /path/{parameter}/`.
        says: What was promised and what came, for people.
    """

    operation: str
    place: Place
    family: str
    says: str = ""


def place(text: str) -> Place | None:
    """What `response tiers[].price_cents`, `status 202/201` or `error 400 invalid_params` means; None: no place."""
    part, _, rest = text.strip().strip("`").strip().lower().partition(" ")
    if part not in PARTS:
        return None
    rest = rest.strip()
    codes = frozenset[int]()
    if part in {"status", "error"}:
        found = _CODES.match(rest)
        if found is not None:
            codes = frozenset(int(code) for code in re.findall(r"\d\d\d", found[0]))
            rest = rest[found.end() :].strip()
    if part == "status" and rest:
        return None
    names = rest.replace("[]", "").replace("[*]", "").replace("$", "").strip(". ")
    steps = tuple(name for name in names.split(".") if name)
    if any(not re.fullmatch(r"[\w-]+", step) for step in steps):
        return None
    return Place(part, steps[1:] if part == "response" and steps[:1] == ("results",) else steps, codes)


def places(text: str) -> tuple[Place, ...]:
    """The places of a key's `where`: several ways to say it, with ` | ` between them. Raises: ValueError."""
    found = [place(word) for word in text.split("|")]
    if None in found:
        raise ValueError(f"where: got {text!r}, expected {', '.join(PARTS)}, then what and where")
    return tuple(one for one in found if one is not None)


def same_family(one: str, other: str) -> bool:
    """Whether both words may mean the same deviation."""
    return one == other or frozenset({one, other}) in _ALIKE


def normal(operation: str) -> str:
    """`get  /api/events/<slug:slug>` → `GET /api/events/{}/`: the form for comparing."""
    method, _, path = operation.strip().strip("`").strip().partition(" ")
    path = _PARAMETER.sub("{}", path.strip().partition("?")[0])
    return f"{method.upper()} /{path.strip('/')}/"
