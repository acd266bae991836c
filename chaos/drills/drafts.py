"""Drafts: `naive` plus flaws that a seed picks. What an attempt was made from, and the key of its seed.

The stack composes them (`python -m services.stack draft`), so that a draft and its key come from one place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from chaos.adapters.samples import sample
from chaos.adapters.stack import ask_stack
from chaos.config import CHECKOUT
from chaos.drills.catalogue import Drill, drills
from chaos.errors import InvalidInput, LabBroken

BANKS: Final = CHECKOUT / "services" / "shop" / "drafts"
NAIVE: Final = "naive"
REVIEW: Final = 6
"""The drill whose drafts are put together from slots: see `firedrill review`."""
BASE: Final = "base"
"""Among a run's versions: from what the learner's code was made."""
BASE_FILE: Final = ".base"
"""In an attempt: the name of the variant that it was made from. Without it that is `naive`."""
HIGHEST_SEED: Final = 2**31 - 1
_TIMEOUT_S: Final = 60.0
_VARIANT: Final = re.compile(r"draft_(?P<drill>[1-9])_(?P<seed>0|[1-9][0-9]{0,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The draft of a drill with a seed."""

    drill: int
    seed: int

    @property
    def variant(self) -> str:
        """What the stack calls it."""
        return f"draft_{self.drill}_{self.seed}"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of a draft, both included, from 1; *name* is the class, function or field there."""

    file: str
    line: int
    last_line: int
    name: str = ""


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the key: one flaw of the draft.

    Attributes:
        flaw: The row of the drill's table.
        caught_by: The check that finds it.
        operations: `METHOD /path/{parameter}/`, each in which it shows.
        where, family: Field or place of the deviation and its kind; empty where the drill has none.
        in_naive: Whether `naive` has it anyway.
        why: For people.
    """

    name: str
    title: str
    slot: str
    flaw: str
    caught_by: str
    operations: tuple[str, ...]
    where: str
    family: str
    places: tuple[Place, ...]
    in_naive: bool
    why: str


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """All flaws of a draft. *digest* changes with any byte of it."""

    drill: int
    seed: int
    variant: str
    digest: str
    key: tuple[Planted, ...]


Ask: TypeAlias = Callable[[Draft], dict[str, Any]]


def _ask(draft: Draft) -> dict[str, Any]:
    return ask_stack(["draft", "--drill", str(draft.drill), "--seed", str(draft.seed)], timeout_s=_TIMEOUT_S)


def made(draft: Draft, *, ask: Ask = _ask) -> Key:
    """Have the draft made as a variant, and its key. Raises: InvalidInput, LearnerCodeError, LabBroken."""
    try:
        return msgspec.convert(ask(draft), Key)
    except msgspec.ValidationError as error:
        raise LabBroken(f"stack draft: got {error}, expected the key of {draft.variant}") from None


def make_base(base: str) -> None:
    """See that the variant is there that an attempt is made from. Raises: as `made`."""
    draft = parse(base)
    if draft is not None and draft.drill == REVIEW:
        sample(draft.seed)
    elif draft is not None:
        made(draft)


def banks(folder: Path = BANKS) -> frozenset[int]:
    """Numbers of the drills that have drafts."""
    return frozenset(int(path.name) for path in folder.glob("*") if path.is_dir() and path.name.isdigit())


def with_drafts() -> frozenset[int]:
    """Numbers of the drills whose attempt is made from a draft: those with a bank, and the one with samples."""
    return banks() | {REVIEW}


def parse(variant: str) -> Draft | None:
    """The draft that a variant's name means; None for another variant."""
    named = _VARIANT.fullmatch(variant)
    if named is None or int(named["seed"]) > HIGHEST_SEED:
        return None
    return Draft(drill=int(named["drill"]), seed=int(named["seed"]))


def base_of(attempt: Path) -> str:
    """The variant that the attempt in that folder was made from. Raises: InvalidInput when nobody can tell."""
    file = attempt / BASE_FILE
    try:
        base = file.read_text("utf-8").strip()
    except FileNotFoundError:
        return NAIVE
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file}: got {error}, expected the name of a draft") from None
    if base != NAIVE and parse(base) is None:
        raise InvalidInput(f"{file}: got {base[:60]!r}, expected {NAIVE} or the name of a draft such as draft_2_4")
    return base


def base_in(versions: Mapping[str, str]) -> str:
    """The same of a run, by the versions in its verdict."""
    base = versions.get(BASE, "")
    return base if parse(base) else NAIVE


def drafted(asked: str) -> Drill:
    """A drill that has drafts, by number or key. Raises: InvalidInput."""
    one = any_drill(asked)
    if one.number not in banks():
        raise InvalidInput(f"drill: got {asked!r}, expected one with drafts: {_listed()}")
    return one


def any_drill(asked: str) -> Drill:
    """By number or key. Raises: InvalidInput for a drill that there is not."""
    known = drills()
    for one in known:
        if asked in (str(one.number), one.key):
            return one
    words = ", ".join(f"{one.number} ({one.key})" for one in known)
    raise InvalidInput(f"drill: got {asked!r}, expected one of {words}")


def _listed() -> str:
    return ", ".join(f"{one.number} ({one.key})" for one in drills() if one.number in with_drafts())


def own_draft(one: Drill, attempt: Path) -> Draft:
    """The draft of drill *one* that the attempt was made from. Raises: InvalidInput when it was made from another."""
    base = base_of(attempt)
    draft = parse(base)
    if draft is None or draft.drill != one.number:
        raise InvalidInput(
            f"attempt: got one that was made from {base}, expected one from a draft of drill {one.number} "
            f"(firedrill attempt start --drill {one.number} --seed SEED; the present one is kept)"
        )
    return draft
