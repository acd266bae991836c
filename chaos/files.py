"""Writing files so that a crash leaves either the old content or the new one."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_atomic(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write *content* to a file beside *path*, flush it to disk, rename it over *path*, flush the folder.

    Raises: OSError, e.g. when the disk is full, or when *path* is a pipe or a device; *path* is then untouched and
        nothing is left beside it.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):  # renamed over, /dev/null would be a file
        raise OSError(errno.EEXIST, "a pipe or a device", str(path))
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """A rename is on disk only once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
