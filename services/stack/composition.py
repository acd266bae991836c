"""Which flaws of a bank a seed picks, and the texts of `naive` with them. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from itertools import groupby

from services.stack.bank import Flaw
from services.stack.patched import Tree, patched
from services.stack.unified_diff import DoesNotApply, FileDiff

_FIT: dict[tuple[tuple[str | None, ...], tuple[FileDiff, ...], tuple[FileDiff, ...]], bool] = {}


def composition(base: Tree, flaws: Sequence[Flaw]) -> Tree:
    """*base* with all of *flaws*. Raises: DoesNotApply with the flaw that doesn't fit."""
    for flaw in flaws:
        try:
            base = patched(base, flaw.diffs)
        except DoesNotApply as error:
            raise DoesNotApply(f"{flaw.file.parent.name}/{flaw.file.name}: {error}") from None
    return base


def fit(base: Tree, one: Flaw, other: Flaw) -> bool:
    """Whether both can be in a draft: both orders of applying them give the same, and neither hides the other."""
    if one.name in other.not_with or other.name in one.not_with:
        return False
    touched = {diff.path for diff in one.diffs} & {diff.path for diff in other.diffs}
    if not touched:
        return True
    # Cached by content: composing many drafts asks for the same pairs again and again.
    asked = (tuple(base.get(path) for path in sorted(touched)), one.diffs, other.diffs)
    if asked not in _FIT:
        try:
            _FIT[asked] = composition(base, (one, other)) == composition(base, (other, one))
        except DoesNotApply:
            _FIT[asked] = False
    return _FIT[asked]


def picked(flaws: Sequence[Flaw], *, drill: int, seed: int, fits: Callable[[Flaw, Flaw], bool]) -> list[Flaw]:
    """The flaws that the seed plants: of each slot one or none, all equally likely, in at least half of the slots.

    The seed also decides the order of the slots, so that of two conflicting flaws either may be picked first.
    """

    def rank(*words: str) -> str:
        return hashlib.sha256("\0".join((str(drill), str(seed), *words)).encode()).hexdigest()

    slots = {slot: list(group) for slot, group in groupby(sorted(flaws, key=_slot), key=_slot)}
    order = sorted(slots, key=rank)
    chosen: dict[str, Flaw] = {}

    def choose(slot: str, *, may_be_none: bool) -> None:
        wishes: list[Flaw | None] = [*slots[slot], *([None] if may_be_none else [])]
        wishes.sort(key=lambda flaw: rank(slot, flaw.name if flaw else ""))
        for flaw in wishes:
            if flaw is None:
                return
            if all(fits(flaw, other) for other in chosen.values()):
                chosen[slot] = flaw
                return

    for slot in order:
        choose(slot, may_be_none=True)
    for slot in order:
        if slot not in chosen and 2 * len(chosen) < len(slots):
            choose(slot, may_be_none=False)
    return sorted(chosen.values(), key=lambda flaw: flaw.name)


def _slot(flaw: Flaw) -> str:
    return flaw.slot
