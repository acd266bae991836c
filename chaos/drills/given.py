"""Reads a file that a person named: one of theirs, which may be anything."""

from __future__ import annotations

from pathlib import Path

from chaos.errors import InvalidInput
from chaos.evidence.files import MOST_BYTES, NoSuchFile, read_bytes


def read_given(path: Path, *, most: int = MOST_BYTES, expected: str = "a file to read") -> bytes:
    """All of a regular file of at most *most* bytes, or of the one that a link leads to; no other kind is waited for.

    Raises: InvalidInput, which says that *expected* was expected when there is no such file.
    """
    try:
        return read_bytes(path.resolve(), most=most)
    except NoSuchFile:
        raise InvalidInput(f"{path}: got No such file or directory, expected {expected}") from None
    except (OSError, RuntimeError, ValueError) as error:  # a circle of links, a NUL in the name
        raise InvalidInput(f"{path}: got {error}, expected {expected}") from None
