"""Drafts: `naive` plus the flaws that a seed picks from a drill's bank. Made on demand, never committed.

`draft_2_7` is the draft of drill 2 with seed 7, a variant like any other. Its key, which says what was planted and
where, is computed from the composed texts. `python -m services.stack.drafts` checks every bank; with `save NAME` it
writes the changes made in the package `mutant_NAME` into the patch of that name, and keeps the patch's header.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from services.stack import bank, bank_check, patch_command, samples
from services.stack.bank import SHOP, BadFlaw, Flaw
from services.stack.composition import composition, fit, picked
from services.stack.errors import StackError
from services.stack.patched import Tree, digest, package, tree
from services.stack.places import Span, added, span
from services.stack.unified_diff import DoesNotApply

BASE: Final = "naive"
HIGHEST_SEED: Final = 2**31 - 1
_VARIANT: Final = re.compile(r"draft_(?P<drill>[1-9])_(?P<seed>0|[1-9][0-9]{0,9})")


def is_draft(variant: str) -> bool:
    """Whether *variant* is a draft, by its name."""
    return variant.startswith("draft_")


def variant_of(drill: int, seed: int) -> str:
    """The variant's name of the draft of *drill* and *seed*."""
    return f"draft_{drill}_{seed}"


def make(variant: str, shop: Path = SHOP) -> Path | None:
    """Make the package of *variant*, unless it exists and is up to date. None when there is no such draft.

    Raises:
        StackError: `learner_code` when a bank is broken.
    """
    if samples.is_sample(variant):
        return samples.make(variant, shop)
    named = _VARIANT.fullmatch(variant)
    if named is None or int(named["drill"]) not in bank.banks(shop) or int(named["seed"]) > HIGHEST_SEED:
        return None
    return package(shop / variant, composed(int(named["drill"]), int(named["seed"]), shop)[0])


def draft(drill: int, seed: int, shop: Path = SHOP) -> dict[str, Any]:
    """Make the package, and return its key.

    Raises:
        StackError: `bad_input` for a drill without a bank or a seed that is none; `learner_code` for a broken bank.
    """
    known = bank.banks(shop)
    if drill not in known:
        raise StackError(
            "bad_input", f"drill: got {drill}, expected one with drafts: {', '.join(map(str, known)) or 'none'}"
        )
    if not 0 <= seed <= HIGHEST_SEED:
        raise StackError("bad_input", f"seed: got {seed}, expected 0 to {HIGHEST_SEED}")
    texts, flaws = composed(drill, seed, shop)
    package(shop / variant_of(drill, seed), texts)
    slots, names = {flaw.slot for flaw in flaws}, {flaw.name for flaw in flaws}
    with _told():
        own = [flaw for flaw in bank.anyway(drill, shop) if flaw.slot not in slots and not flaw.not_with & names]
    key = [_row(flaw, list(_places(flaw, flaws, texts, shop))) for flaw in (*flaws, *own)]
    return {
        "drill": drill,
        "seed": seed,
        "variant": variant_of(drill, seed),
        "digest": digest(texts),
        "key": [row for row in key if row["places"] or not row["at"]],  # a planted flaw may have removed one of naive's
    }


def composed(drill: int, seed: int, shop: Path = SHOP) -> tuple[Tree, list[Flaw]]:
    """The texts of a draft and the flaws in it, by name. Raises: StackError, `learner_code`."""
    base = tree(shop / BASE)
    with _told():
        flaws = picked(bank.planted(drill, shop), drill=drill, seed=seed, fits=lambda one, other: fit(base, one, other))
        return composition(base, flaws), flaws


@contextmanager
def _told() -> Iterator[None]:
    """Turns the error of a broken bank into a StackError that names its file."""
    try:
        yield
    except (BadFlaw, DoesNotApply) as error:
        raise StackError("learner_code", f"services/shop/drafts/{error}", file="services/shop/drafts") from None


def _row(flaw: Flaw, places: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the key says of one flaw."""
    header = flaw.header
    return {
        "name": flaw.name,
        **{name.replace(" ", "_"): header.get(name, "") for name in ("title", "slot", "flaw", "caught by")},
        "operations": list(flaw.operations),
        **{name: header.get(name, "") for name in ("where", "family", "at")},
        "places": list(places),
        "in_naive": not flaw.diffs,
        "why": flaw.why,
    }


def _places(flaw: Flaw, flaws: Sequence[Flaw], texts: Tree, shop: Path) -> Iterator[dict[str, Any]]:
    """Where the flaw is in the draft: the places of its `at`, else the lines that its patch has added."""
    for at in flaw.at:
        if at.file in texts and (lines := span(texts[at.file], at)) is not None:
            yield _place(at.file, lines, at.place)
        elif flaw.diffs:
            where = f"services/shop/drafts/{flaw.file.parent.name}/{flaw.file.name}"
            what = f"got {at.file} {at.place} {at.text!r}, expected a place of the draft"
            raise StackError("learner_code", f"{where}: at: {what}", file=where)
    if not flaw.at and flaw.diffs:
        without = composition(tree(shop / BASE), [one for one in flaws if one is not flaw])
        for path in sorted({diff.path for diff in flaw.diffs if diff.path in texts}):
            yield from (_place(path, lines) for lines in added(without.get(path, ""), texts[path]))


def _place(file: str, lines: Span, name: str = "") -> dict[str, Any]:
    return {"file": file, "line": lines.first, "last_line": lines.last, "name": name}


if __name__ == "__main__":
    sys.exit(patch_command.main(sys.argv[1:], complaints=bank_check.complaints, save=bank_check.save))
