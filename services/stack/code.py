"""The code that the shop runs: a copy with only the files that the stamp and the learner's patch cover.

A variant's folder may hold more than a reader sees: hidden folders, caches, links to elsewhere. Code in them could be
imported and run unnoticed. So the shop starts from a copy below the lab's folder, made of regular files with plain
names only. Code outside the copy can't be imported: `SHOP_CODE` makes it the only place where the package
`services.shop` looks. The learner edits the variant's folder; an edit takes effect at the next `prepare`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.layout import Lab

MOST_FILES: Final = 1000
MOST_BYTES: Final = 8 << 20
"""Of all files together: evidence carries what a learner changed with each run."""
_UNPLAIN: Final = re.compile(r"[\x00-\x1f\x7f\"\\\ud800-\udfff]")
_TESTS: Final = "tests"


def files(shop: Path, variant: str) -> Iterator[Path]:
    """Files that the shop's processes of *variant* may read: its own and core's, without its tests and tools' files.

    Tools' files are those whose names begin with a dot, and `__pycache__`, with all that is below them.

    Raises:
        StackError: `learner_code` for what a patch can't hold: a link, a pipe, a control character in a name, too much.
    """
    count = size = 0
    for name in ("core", variant):
        for path, found in _walk(shop / name):
            if path.relative_to(shop).parts[1] == _TESTS and found is not None and name == variant:
                continue
            where = f"services/shop/{path.relative_to(shop)}"
            if found is None or not stat.S_ISREG(found.st_mode):
                raise _refused(where, "a link, a pipe or a device", "a regular file: a patch carries nothing else")
            if _UNPLAIN.search(path.name):
                raise _refused(repr(where), "a name that no patch carries", "one without controls, quotes, backslashes")
            count, size = count + 1, size + found.st_size
            if count > MOST_FILES or size > MOST_BYTES:
                most = f"at most {MOST_FILES} and {MOST_BYTES >> 20} MiB, which evidence can carry"
                raise _refused(f"services/shop/{name}", f"{count} files or more of {size >> 20} MiB", most)
            yield path


def _walk(folder: Path) -> Iterator[tuple[Path, os.stat_result | None]]:
    """Everything below *folder* but tools' files, with its `stat`; None for a link."""
    try:
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        path = folder / entry.name
        if entry.is_symlink():
            yield path, None
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(path)
        else:
            try:
                yield path, entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # an editor is saving it


def _refused(where: str, got: str, expected: str) -> StackError:
    return StackError("learner_code", f"{where}: got {got}, expected {expected}", file=where)


def placed(settings: Settings, lab: Lab, variant: str) -> Path:
    """A folder from which *variant* can be run: `services/shop/…` with core and the variant, as they are now.

    Made unless one with the same content exists. Raises: StackError, as `files`.
    """
    shop = settings.checkout / "services" / "shop"
    held = [shop / "serve.py", *files(shop, variant)]
    contents = {path.relative_to(settings.checkout): _content(path) for path in held}
    digest = digest_of(contents)
    target = _folder(lab) / f"{variant}-{digest[:16]}"
    if target.is_dir() and _digest_of_copy(target) == digest:
        return target
    _folder(lab).mkdir(parents=True, exist_ok=True)
    _folder(lab).chmod(0o711)
    part = Path(tempfile.mkdtemp(prefix=".", dir=_folder(lab)))
    try:
        for name, content in contents.items():
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            (part / name).write_bytes(content)
        _readable(part)
        shutil.rmtree(target, ignore_errors=True)  # an incomplete copy, or one that was changed
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return target


def choose(lab: Lab, copy: Path) -> None:
    """Make *copy* the one from which the shop's programs start next. Other copies are removed: none may run again."""
    link, part = current(lab), _folder(lab) / ".current"
    part.unlink(missing_ok=True)
    part.symlink_to(copy.name)
    part.replace(link)
    for other in _folder(lab).iterdir():
        if other.name not in (link.name, copy.name):
            shutil.rmtree(other, ignore_errors=True)


def current(lab: Lab) -> Path:
    """A link to the copy that the shop's programs start from."""
    return _folder(lab) / "current"


def changed(lab: Lab, variant: str) -> bool:
    """Whether the running copy was changed after it was made."""
    try:
        copy = current(lab).resolve(strict=True)
    except OSError:
        return False  # nothing was started yet
    return copy.name != f"{variant}-{_digest_of_copy(copy)[:16]}"


def as_in_checkout(settings: Settings, lab: Lab, text: str) -> str:
    """*text*, such as a traceback, with paths of copies replaced by paths of the checkout, where a person edits."""
    return re.sub(rf"{re.escape(str(_folder(lab)))}/[^/\s\"]+", lambda _: str(settings.checkout), text)


def _folder(lab: Lab) -> Path:
    return lab.shop / "code"


def _content(path: Path) -> bytes:
    """A file's content; a link that has replaced it is not followed. Empty for a file that an editor is just saving."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return file.read(MOST_BYTES)
    except FileNotFoundError:
        return b""


def digest_of(contents: dict[Path, bytes]) -> str:
    """A digest over paths and contents."""
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(os.fsencode(name) + b"\0" + hashlib.sha256(contents[name]).digest())
    return digest.hexdigest()


def _digest_of_copy(copy: Path) -> str:
    """A digest over everything in *copy*, including files that were added later."""
    found = {path.relative_to(copy): path for path in copy.rglob("*") if path.is_symlink() or not path.is_dir()}
    return digest_of({name: b"a link" if path.is_symlink() else path.read_bytes() for name, path in found.items()})


def _readable(folder: Path) -> None:
    """Set modes regardless of the caller's umask: the shop's own user has to read here, and must not write."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
