"""Variants that are made of another variant and patches: their texts in memory, and their package on disk."""

from __future__ import annotations

import difflib
import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeAlias

from services.stack.unified_diff import DoesNotApply, FileDiff, applied

STAMP: Final = ".stamp"
Tree: TypeAlias = Mapping[str, str]
"""Path below the variant → text."""


def tree(folder: Path) -> Tree:
    """Every Python file of a variant."""
    found = sorted(file for file in folder.rglob("*.py") if "__pycache__" not in file.parts)
    return {file.relative_to(folder).as_posix(): file.read_text("utf-8") for file in found}


def patched(base: Tree, diffs: Iterable[FileDiff]) -> Tree:
    """*base* after all of *diffs*, one after the other.

    Raises:
        DoesNotApply: A diff doesn't fit, changes nothing, or gives invalid Python.
    """
    texts = dict(base)
    for diff in diffs:
        old = texts.pop(diff.path, None)
        new = applied(diff, old)
        if new == old:
            raise DoesNotApply(f"{diff.path}: got no change, expected one")
        if new is not None:
            _require_python(diff.path, new)
            texts[diff.path] = new
    return texts


def _require_python(path: str, text: str) -> None:
    if path.endswith(".py") and (trouble := _trouble(text)):
        raise DoesNotApply(f"{path}:{trouble}, expected Python")


@lru_cache(maxsize=1024)  # drafts have many texts in common
def _trouble(text: str) -> str:
    try:
        compile(text, "a file", "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"{error.lineno}: got {error.msg}"
    return ""


def digest(texts: Tree) -> str:
    """A digest over paths and texts."""
    found = hashlib.sha256()
    for path in sorted(texts):
        found.update(f"{path}\0{texts[path]}\0".encode())
    return found.hexdigest()


def package(folder: Path, texts: Tree) -> Path:
    """Write *texts* to *folder*, all or nothing, unless it was made of the same texts before."""
    stamp = folder / STAMP
    if stamp.is_file() and stamp.read_text() == digest(texts):
        return folder
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for path, text in texts.items():
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            (part / path).write_text(text, "utf-8")
        (part / STAMP).write_text(digest(texts))
        for made in (part, *part.rglob("*")):  # regardless of the caller's umask, as other variants' code
            made.chmod(0o755 if made.is_dir() else 0o644)
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return folder


def difference(base: Tree, changed: Tree, *, context: int = 3) -> str:
    """The unified diff that makes *changed* of *base*."""
    return "".join(_diff(path, base.get(path), changed.get(path), context) for path in sorted({*base, *changed}))


def _diff(path: str, old: str | None, new: str | None, context: int) -> str:
    return "".join(
        difflib.unified_diff(
            (old or "").splitlines(keepends=True),
            (new or "").splitlines(keepends=True),
            "/dev/null" if old is None else f"a/{path}",
            "/dev/null" if new is None else f"b/{path}",
            n=context,
        )
    )
