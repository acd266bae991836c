"""A learner's label of a run: a few words in a file beside the run's folder, so that the evidence stays as it is.

It is nobody's evidence: nothing is judged by it, no digest covers it, and it may change at any time.
"""

from __future__ import annotations

import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from chaos.errors import InvalidInput, LabBroken
from chaos.evidence.files import Unreadable, is_regular, read_bytes
from chaos.files import write_atomic
from chaos.model.folder import LABELS
from chaos.model.text import one_line, visible

MOST_LABEL: Final = 60
_MOST_BYTES: Final = 4 * MOST_LABEL
_ENDING: Final = ".txt"


def checked(text: str) -> str:
    """*text* as it is kept, on one line. Raises: InvalidInput."""
    expected = f"expected 1 to {MOST_LABEL} characters"
    if (shown := visible(text)) != text:
        raise InvalidInput(f"label: got '{one_line(shown[:MOST_LABEL])}', expected text without control characters")
    found = " ".join(text.split())
    if not found:
        raise InvalidInput(f"label: got no text, {expected}")
    if len(found) > MOST_LABEL:
        raise InvalidInput(f"label: got {len(found)} characters, {expected}")
    return found


def of(folder: Path) -> str:
    """The label of the run in *folder*; empty where it has none that can be shown."""
    return _read(_path(folder))


def all_in(root: Path) -> dict[str, str]:
    """Run id → label, of every label below *root*."""
    try:
        paths = sorted(path for path in (root / LABELS).iterdir() if path.name.endswith(_ENDING))
    except OSError:
        return {}
    found = {path.name.removesuffix(_ENDING): _read(path) for path in paths if is_regular(path)}
    return {run_id: label for run_id, label in found.items() if label}


def put(folder: Path, text: str) -> str:
    """Label the run in *folder*; returns the label as it is kept. Raises: InvalidInput, LabBroken."""
    label = checked(text)
    path = _path(folder)
    try:
        path.parent.mkdir(exist_ok=True)
        if not stat.S_ISDIR(path.parent.lstat().st_mode):
            raise InvalidInput(f"{LABELS}: got a symbolic link, expected a folder")
        write_atomic(path, f"{label}\n".encode())
    except OSError as error:
        raise _broken(path, error) from None
    return label


def remove(folder: Path) -> bool:
    """Take the label away; whether there was one. Raises: LabBroken."""
    path = _path(folder)
    there = is_regular(path)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _broken(path, error) from None
    return there


def _broken(path: Path, error: OSError) -> LabBroken:
    return LabBroken(f"{path}: got {error.strerror or error}, expected to keep a label there")


def _path(folder: Path) -> Path:
    folder = folder.resolve()
    return folder.parent / LABELS / f"{folder.name}{_ENDING}"


def _read(path: Path) -> str:
    with suppress(Unreadable, UnicodeDecodeError):
        return visible(" ".join(read_bytes(path, most=_MOST_BYTES + 1).decode().split()))[:_MOST_BYTES]
    return ""
