"""The learner's own variant: a copy of `naive` or of a draft, kept when it is made anew, and its patch against that."""

from __future__ import annotations

import base64
import difflib
import hashlib
import io
import os
import shutil
import string
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chaos.config import CHECKOUT
from chaos.drills.drafts import BASE_FILE, NAIVE, REVIEW, base_of, make_base, parse
from chaos.drills.mutants import MUTANT_PREFIX
from chaos.errors import InvalidInput, LabBroken
from chaos.evidence.stamps import stamp

SHOP = CHECKOUT / "services" / "shop"
STARTER = Path(__file__).parent / "starter"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".stamp")
ON_DEMAND: Final = (MUTANT_PREFIX, "draft_")
NOT_THE_LEARNERS: Final = frozenset({"naive", "hardened"})
"""Variants that come with the lab; mutants and drafts are others."""
_LINE: Final = 52
"""Bytes a line of git's binary patch stands for, at most."""
_SAMPLE: Final = ("views.py", "serializers.py", "tasks.py")
"""Files of drill 6's sample, which are given to be read in `review/`."""


def start(shop: Path = SHOP, *, base: str = NAIVE) -> Path:
    """Make `attempt/` from *base*, with a first test of its own.

    Raises: InvalidInput when there is one already, LabBroken when it can't be.
    """
    attempt = shop / "attempt"
    if attempt.exists():
        raise InvalidInput(
            f"{attempt}: got an attempt that is there already, expected none "
            "(firedrill attempt start --drill N keeps it beside the new one)"
        )
    part = shop / "attempt.part"
    try:
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(shop / base, part, ignore=_LEFT_OUT)
        if base != NAIVE:
            (part / BASE_FILE).write_text(f"{base}\n")
        for folder in _starters(base):
            shutil.copytree(folder, part / folder.name, ignore=_LEFT_OUT)
        part.rename(attempt)
    except OSError as error:  # of which copytree's kind is a list
        shutil.rmtree(part, ignore_errors=True)
        raise LabBroken(f"{attempt}: got {error.strerror or error}, expected a copy of {base}") from None
    return attempt


def _starters(base: str) -> list[Path]:
    """Folders that an attempt from *base* has besides: a first test, and what the drill of a draft begins with."""
    draft = parse(base)
    drills_own = sorted((STARTER / f"drill_{draft.drill}").glob("*")) if draft else []
    return [STARTER / "tests", *(folder for folder in drills_own if folder.is_dir())]


def reset(shop: Path = SHOP, *, base: str = NAIVE) -> tuple[Path, Path | None]:
    """Make it anew, from *base*; the old one is kept beside it. Raises: LabBroken; the old one then stays where it was.

    Returns: the attempt, and where the old one went (None without).
    """
    attempt, backup = shop / "attempt", None
    if attempt.exists():
        at = stamp(time.time())
        backup = next(
            path
            for number in range(1, 1000)
            if not (path := shop / f"attempt.backup-{at}{'' if number == 1 else f'-{number}'}").exists()
        )
        try:
            attempt.rename(backup)
        except OSError as error:
            raise LabBroken(f"{attempt}: got {error.strerror or error}, expected to keep it as {backup.name}") from None
    try:
        return start(shop, base=base), backup
    except LabBroken:
        if backup is not None:
            backup.rename(attempt)
        raise


def variants(shop: Path = SHOP) -> list[str]:
    """Every variant that a person works with: folders below services/shop with settings, except mutants and drafts."""
    names = (path.parent.name for path in shop.glob("*/settings.py"))
    return sorted(name for name in names if name.isidentifier() and not name.startswith(ON_DEMAND))


def is_the_learners(variant: str) -> bool:
    """Whether a person wrote it."""
    return variant not in NOT_THE_LEARNERS and not variant.startswith(ON_DEMAND)


def patch(variant: str, shop: Path = SHOP, *, make: Callable[[str], None] = make_base) -> bytes | None:
    """What *variant* changed in a fresh attempt, for `git apply`; a file that is no UTF-8 text as git's binary patch.

    Returns: empty without a change; None for a variant that comes with the lab. Raises: LabBroken when a file can't be
    read; InvalidInput when nobody can tell from what it was made.
    """
    if not is_the_learners(variant):
        return None
    try:
        before, after = before_and_after(variant, shop, make=make)
        names = sorted(before.keys() | after.keys())
        return b"".join(_diff(name, _content(before.get(name)), _content(after.get(name))) for name in names)
    except OSError as error:
        raise LabBroken(f"{error.filename}: got {error.strerror}, expected to read it") from None


def _sample(base: str, shop: Path) -> dict[str, Path]:
    """What drill 6 gives to be read in `review/`: the code that is to be mended, as its draft has it."""
    draft = parse(base)
    if draft is None or draft.drill != REVIEW:
        return {}
    return {f"review/{name}": shop / base / "backoffice" / name for name in _SAMPLE}


def before_and_after(
    variant: str, shop: Path = SHOP, *, make: Callable[[str], None] = make_base
) -> tuple[dict[str, Path], dict[str, Path]]:
    """Files of a fresh attempt, and those of the learner's *variant*, by their path there.

    Raises: InvalidInput when nobody can tell from what it was made.
    """
    base = base_of(shop / variant)
    make(base)  # also when it exists, since what it is composed of may have changed
    before = _files(shop / base)
    for folder in _starters(base):
        before |= {f"{folder.name}/{name}": file for name, file in _files(folder).items()}
    before |= _sample(base, shop)
    return before, _files(shop / variant)


def _files(top: Path) -> dict[str, Path]:
    """What a person wrote below *top*, by its path there; as `code_stamp` of services.stack sees it, and tests."""
    found = {path.relative_to(top): path for path in top.rglob("*") if path.is_file()}
    return {name.as_posix(): path for name, path in found.items() if not any(map(_left_by_tools, name.parts))}


def _left_by_tools(part: str) -> bool:
    return part.startswith(".") or part == "__pycache__"


def _content(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()


def _diff(name: str, old: bytes | None, new: bytes | None) -> bytes:
    if old == new:
        return b""
    # git's own header, without which an empty file that came or went could not be told.
    head = f"diff --git a/{name} b/{name}\n"
    head += "new file mode 100644\n" if old is None else "deleted file mode 100644\n" if new is None else ""
    a, b = "/dev/null" if old is None else f"a/{name}", "/dev/null" if new is None else f"b/{name}"
    try:
        hunks = "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in difflib.unified_diff(_lines(old), _lines(new), a, b)
        )
    except UnicodeDecodeError:
        hunks = _binary(old, new)
    return os.fsencode(head + hunks)


def _lines(text: bytes | None) -> list[str]:
    """Lines as a patch counts them, in which a form feed does not end a line."""
    return list(io.StringIO((text or b"").decode(), newline="\n"))


def _binary(old: bytes | None, new: bytes | None) -> str:
    """The new content in git's own form: deflated, at most 52 bytes a line, in base 85 behind a letter for how many."""
    packed, lines = zlib.compress(new or b""), []
    for at in range(0, len(packed), _LINE):
        part = packed[at : at + _LINE]
        letter = (string.ascii_uppercase + string.ascii_lowercase)[len(part) - 1]
        lines.append(f"{letter}{base64.b85encode(part, pad=True).decode()}\n")
    return f"index {_blob(old)}..{_blob(new)}\nGIT binary patch\nliteral {len(new or b'')}\n{''.join(lines)}\n"


def _blob(content: bytes | None) -> str:
    """git's name of a file's content."""
    if content is None:
        return "0" * 40
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()
