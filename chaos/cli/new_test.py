"""A pytest that a command writes for the learner's own suite."""

from __future__ import annotations

from pathlib import Path

from chaos.errors import InvalidInput
from chaos.files import write_atomic


def write(file: Path, source: str) -> None:
    """Raises: InvalidInput for a file that is there already, or that pytest would not find."""
    if file.exists():
        raise InvalidInput(f"{file}: got a file that is there already, expected a new one")
    if not file.name.startswith("test_") or file.suffix != ".py":
        raise InvalidInput(f"--as-test: got {file.name!r}, expected a name such as test_last_seats.py")
    write_atomic(file, source.encode())
