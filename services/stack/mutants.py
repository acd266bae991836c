"""Mutants: copies of `hardened` into which one patch brings one flaw back. Made on demand, never committed.

`services/shop/mutants/NAME.patch` becomes the package `services/shop/mutant_NAME`, a variant like any other.
`python -m services.stack.mutants` checks that every patch applies; with `save NAME` it writes what somebody changed in
the package back into the patch, whose header stays.
"""

from __future__ import annotations

import difflib
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from services.stack.errors import StackError
from services.stack.unified_diff import DoesNotApply, FileDiff, applied, parse

PREFIX: Final = "mutant_"
SHOP: Final = Path(__file__).resolve().parents[1] / "shop"
_STAMP: Final = ".stamp"
_BASE: Final = "hardened"


def is_mutant(variant: str) -> bool:
    """By its name."""
    return variant.startswith(PREFIX)


def names(shop: Path = SHOP) -> list[str]:
    """Every mutant, without the prefix of its variant."""
    return sorted(file.stem for file in (shop / "mutants").glob("*.patch"))


def make(variant: str, shop: Path = SHOP) -> Path | None:
    """Make the package of *variant*, unless the one that is there is still right. None when there is no such mutant.

    Raises:
        StackError: `learner_code` when the patch doesn't apply.
    """
    patch = shop / "mutants" / f"{variant.removeprefix(PREFIX)}.patch"
    if not is_mutant(variant) or not patch.is_file():
        return None
    folder, stamp = shop / variant, _stamp(shop, patch)
    if (folder / _STAMP).is_file() and (folder / _STAMP).read_text() == stamp:
        return folder
    try:
        changed = _changed(shop, patch)
    except DoesNotApply as error:
        where = f"services/shop/mutants/{patch.name}"
        raise StackError("learner_code", f"{where}: {error}", file=where) from None
    part = Path(tempfile.mkdtemp(prefix=f".{variant}.", dir=shop))
    try:
        shutil.copytree(shop / _BASE, part, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        part.chmod(0o755)
        for path, text in changed.items():
            if text is None:
                (part / path).unlink()
            else:
                (part / path).parent.mkdir(parents=True, exist_ok=True)
                (part / path).write_text(text, "utf-8")
        (part / _STAMP).write_text(stamp)
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return folder


def _sources(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*.py") if "__pycache__" not in file.parts)


def _stamp(shop: Path, patch: Path) -> str:
    digest = hashlib.sha256(patch.read_bytes())
    for file in _sources(shop / _BASE):
        digest.update(str(file.relative_to(shop)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _changed(shop: Path, patch: Path) -> dict[str, str | None]:
    """Path below the variant → its new text, None for a file that goes. Raises: DoesNotApply."""
    diffs: list[FileDiff] = parse(patch.read_text("utf-8"))
    found: dict[str, str | None] = {}
    for diff in diffs:
        file = shop / _BASE / diff.path
        text = applied(diff, file.read_text("utf-8") if file.is_file() else None)
        if text is not None and diff.path.endswith(".py"):
            try:
                compile(text, diff.path, "exec")
            except SyntaxError as error:
                raise DoesNotApply(f"{diff.path}:{error.lineno}: got {error.msg}, expected Python") from None
        found[diff.path] = text
    return found


def complaints(shop: Path = SHOP) -> Iterator[str]:
    """Each patch that no longer applies to `hardened`, or changes nothing."""
    for name in names(shop):
        patch = shop / "mutants" / f"{name}.patch"
        try:
            changed = _changed(shop, patch)
        except DoesNotApply as error:
            yield f"services/shop/mutants/{patch.name}: {error}"
            continue
        same = [path for path, text in changed.items() if text is not None and _text(shop / _BASE / path) == text]
        yield from (f"services/shop/mutants/{patch.name}: {path}: got no change, expected one" for path in same)


def _text(file: Path) -> str | None:
    return file.read_text("utf-8") if file.is_file() else None


def save(name: str, shop: Path = SHOP) -> Path:
    """Write the differences of the package `mutant_NAME` from `hardened` into its patch, below its header.

    Raises:
        StackError: `bad_input` without such a package.
    """
    folder, patch = shop / f"{PREFIX}{name}", shop / "mutants" / f"{name}.patch"
    if not folder.is_dir():
        raise StackError("bad_input", f"{folder}: got no folder, expected the changed copy of {_BASE}")
    header = (_text(patch) or "").partition("\n--- ")[0].rstrip("\n") + "\n\n"
    base = shop / _BASE
    paths = {file.relative_to(top).as_posix() for top in (base, folder) for file in _sources(top)}
    patch.write_text(header + "".join(_diff(base, folder, path) for path in sorted(paths)), "utf-8")
    (folder / _STAMP).write_text(_stamp(shop, patch))
    return patch


def _diff(base: Path, folder: Path, path: str) -> str:
    old, new = _text(base / path), _text(folder / path)
    return "".join(
        difflib.unified_diff(
            (old or "").splitlines(keepends=True),
            (new or "").splitlines(keepends=True),
            "/dev/null" if old is None else f"a/{path}",
            "/dev/null" if new is None else f"b/{path}",
        )
    )


def main(words: Sequence[str]) -> int:
    """Check all patches (exit 2 and a line for each that doesn't apply), or `save NAME…`."""
    if words[:1] == ["save"]:
        try:
            for name in words[1:]:
                sys.stdout.write(f"{save(name)}\n")
        except StackError as error:
            sys.stderr.write(f"{error.message}\n")
            return error.exit_code
        return 0
    found = list(complaints())
    sys.stderr.write("".join(f"{line}\n" for line in found))
    return 2 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
