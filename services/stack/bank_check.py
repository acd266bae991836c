"""Checks the banks, finds flaws that can't be combined, and writes an edited package back into its patch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations, groupby
from pathlib import Path
from typing import Final

from services.stack import bank, mutants
from services.stack.bank import SHOP, BadFlaw, Flaw
from services.stack.composition import fit
from services.stack.errors import StackError
from services.stack.fitting_diff import fitting_diff
from services.stack.patched import STAMP, digest, patched, tree
from services.stack.places import span
from services.stack.unified_diff import DoesNotApply, parse

LEAST_ALTERNATIVES: Final = 3
_BANKS: Final = "services/shop/drafts"


def complaints(shop: Path = SHOP) -> Iterator[str]:
    """Everything that is wrong with the banks: `file: where: got X, expected Y`."""
    known = {name: f"mutants/{name}.patch" for name in mutants.names(shop)}
    for drill in bank.banks(shop):
        try:
            flaws, own = bank.planted(drill, shop), bank.anyway(drill, shop)
        except BadFlaw as error:
            yield from (f"{_BANKS}/{line}" for line in str(error).split("\n"))
            continue
        names = {flaw.name for flaw in flaws}
        for flaw in flaws:
            where = f"{_BANKS}/{drill}/{flaw.file.name}"
            if flaw.name in known:
                yield f"{where}: got a name that {known[flaw.name]} has, expected one of its own"
            known[flaw.name] = f"drafts/{drill}/{flaw.file.name}"
            if unknown := flaw.not_with - names:
                yield f"{where}: not with: got {', '.join(sorted(unknown))}, expected names of the bank"
            yield from (f"{where}: {problem}" for problem in _misfits(flaw, shop))
        yield from _too_few(drill, flaws)
        naive = tree(shop / "naive")
        for flaw in own:
            where = f"{_BANKS}/{drill}/naive/{flaw.file.name}"
            if flaw.name in known:
                yield f"{where}: got a name that {known[flaw.name]} has, expected one of its own"
            known[flaw.name] = f"drafts/{drill}/naive/{flaw.file.name}"
            yield from (f"{where}: {problem}" for problem in _own_misfits(flaw, names, shop))
            if any(span(naive.get(at.file, ""), at) is None for at in flaw.at):
                yield f"{where}: at: got {flaw.header['at']!r}, expected places of it"


def _too_few(drill: int, flaws: Sequence[Flaw]) -> Iterator[str]:
    """Slots with so few flaws that each would be picked too often."""
    for slot, group in groupby(sorted(flaws, key=lambda flaw: flaw.slot), key=lambda flaw: flaw.slot):
        if (count := len(list(group))) < LEAST_ALTERNATIVES:
            yield f"{_BANKS}/{drill}: slot {slot}: got {count} flaws, expected at least {LEAST_ALTERNATIVES}"


def _misfits(flaw: Flaw, shop: Path) -> Iterator[str]:
    """Where a patch does not fit the two variants that it is for."""
    own_text = flaw.file.with_suffix(".hardened.patch")
    for variant, file in (("naive", flaw.file), ("hardened", own_text if own_text.is_file() else flaw.file)):
        try:
            texts = patched(tree(shop / variant), parse(file.read_text("utf-8")))
        except DoesNotApply as error:
            yield f"on {variant}: {error}"
            continue
        for at in flaw.at:
            if span(texts.get(at.file, ""), at) is None:
                yield f"on {variant}: at: got {at.file} {at.place} {at.text!r}, expected a place of it"


def _own_misfits(flaw: Flaw, names: Collection[str], shop: Path) -> Iterator[str]:
    """Problems of a flaw of `naive` itself: the flaws in `not with` must exist, a patch for `hardened` must apply."""
    if unknown := flaw.not_with - set(names):
        yield f"not with: got {', '.join(sorted(unknown))}, expected names of the bank"
    text = flaw.file.with_suffix(".hardened.patch")
    if text.is_file():
        try:
            patched(tree(shop / "hardened"), parse(text.read_text("utf-8")))
        except DoesNotApply as error:
            yield f"on hardened: {error}"


def conflicts(drill: int, shop: Path = SHOP) -> list[tuple[str, str]]:
    """Pairs of flaws of different slots that can't be in one draft. Raises: BadFlaw."""
    base = tree(shop / "naive")
    pairs = combinations(bank.planted(drill, shop), 2)
    return [(one.name, other.name) for one, other in pairs if one.slot != other.slot and not fit(base, one, other)]


def save(name: str, shop: Path = SHOP) -> Path:
    """Write the differences of `mutant_NAME` from `hardened` into the bank's patch of that name, below its header.

    Raises:
        StackError: `bad_input` without such a package or such a file.
    """
    folder = shop / f"{mutants.PREFIX}{name}"
    patch = next((path for path in bank.patches_of(name, shop) if path.is_file()), None)
    if patch is None or not folder.is_dir():
        what = (
            f"drafts/<drill>/{name}.patch with a header"
            if patch is None
            else f"{folder.name}, a changed copy of hardened"
        )
        raise StackError("bad_input", f"services/shop: got no {what}, expected it")
    base, naive, changed = (tree(top) for top in (shop / "hardened", shop / "naive", folder))
    text = "".join(
        fitting_diff(path, base.get(path), changed.get(path), [naive[path]] if path in naive else [])
        for path in sorted({*base, *changed})
    )
    header = mutants.header(patch.read_text("utf-8"))
    patch.write_text(header + text, "utf-8")
    (folder / STAMP).write_text(digest(changed))
    return patch
