"""Writing files so that a crash leaves either the old content or the new one, and reading what a crash left."""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

_T = TypeVar("_T")


def write_atomic(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write *content* to a file beside *path*, flush it to disk, rename it over *path*, flush the folder.

    Raises: OSError, e.g. when the disk is full; *path* is then untouched and nothing is left beside it.
    """
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


def read_lines(path: Path, type_: type[_T]) -> list[_T]:
    """The lines of a JSON-lines file that can be read, plain or compressed; none when there is no such file.

    Only for files that explain: a line that is damaged is left out without a word.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error):
        return []
    decoder, found = msgspec.json.Decoder(type_), []
    for line in content.splitlines():
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            found.append(decoder.decode(line))
    return found


def _sync_folder(folder: Path) -> None:
    """A rename is on disk only once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
