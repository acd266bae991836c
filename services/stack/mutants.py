"""Mutants: copies of `hardened` into which a patch brings back one flaw. Made on demand, never committed.

`services/shop/mutants/NAME.patch` becomes the package `services/shop/mutant_NAME`, a variant like any other.
`python -m services.stack.mutants` checks that every patch applies; with `save NAME` it writes the changes made in the
package into the patch, and keeps the patch's header.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.stack import bank, patch_command
from services.stack.errors import StackError
from services.stack.patched import STAMP, Tree, difference, digest, package, patched, tree
from services.stack.unified_diff import DoesNotApply, parse

PREFIX: Final = "mutant_"
SHOP: Final = Path(__file__).resolve().parents[1] / "shop"
_BASE: Final = "hardened"


def is_mutant(variant: str) -> bool:
    """Whether *variant* is a mutant, by its name."""
    return variant.startswith(PREFIX)


def names(shop: Path = SHOP) -> list[str]:
    """Every mutant, without the prefix of its variant."""
    return sorted(file.stem for file in (shop / "mutants").glob("*.patch"))


def make(variant: str, shop: Path = SHOP) -> Path | None:
    """Make the package of *variant*, unless it exists and is up to date. None when there is no such mutant.

    Raises:
        StackError: `learner_code` when the patch doesn't apply.
    """
    patch = _patch(variant.removeprefix(PREFIX), shop)
    if not is_mutant(variant) or patch is None:
        return None
    try:
        texts = _changed(shop, patch)
    except DoesNotApply as error:
        where = _named(patch, shop)
        raise StackError("learner_code", f"{where}: {error}", file=where) from None
    return package(shop / variant, texts)


def _patch(name: str, shop: Path) -> Path | None:
    """The patch *name* of the mutants, or of a bank; of a bank's patches the one for `hardened` alone comes first."""
    found = (shop / "mutants" / f"{name}.patch", *bank.patches_of(name, shop))
    return next((path for path in found if path.is_file()), None)


def _named(patch: Path, shop: Path) -> str:
    return f"services/shop/{patch.relative_to(shop)}"


def _changed(shop: Path, patch: Path) -> Tree:
    """`hardened` after the patch. Raises: DoesNotApply."""
    return patched(tree(shop / _BASE), parse(patch.read_text("utf-8")))


def complaints(shop: Path = SHOP) -> Iterator[str]:
    """Each patch that no longer applies to `hardened`, or changes nothing."""
    for name in names(shop):
        patch = shop / "mutants" / f"{name}.patch"
        try:
            _changed(shop, patch)
        except DoesNotApply as error:
            yield f"{_named(patch, shop)}: {error}"


def save(name: str, shop: Path = SHOP) -> Path:
    """Write the differences of the package `mutant_NAME` from `hardened` into its patch, below its header.

    Raises:
        StackError: `bad_input` without such a package.
    """
    folder, patch = shop / f"{PREFIX}{name}", shop / "mutants" / f"{name}.patch"
    if not folder.is_dir():
        raise StackError("bad_input", f"{folder}: got no folder, expected the changed copy of {_BASE}")
    changed = tree(folder)
    text = patch.read_text("utf-8") if patch.is_file() else ""
    patch.write_text(header(text) + difference(tree(shop / _BASE), changed), "utf-8")
    (folder / STAMP).write_text(digest(changed))
    return patch


def header(patch: str) -> str:
    """The text above the diff, with an empty line at its end, so that a diff can be appended."""
    return patch.partition("\n--- ")[0].rstrip("\n") + "\n\n"


if __name__ == "__main__":
    sys.exit(patch_command.main(sys.argv[1:], complaints=complaints, save=save))
