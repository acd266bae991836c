"""Grafana from PATH, for whoever asks for it; nothing is got, since the lab works without it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from services.stack.config import Settings
from services.stack.provision.found import Found, first_line, on_path

_DEFAULTS: Final = Path("conf") / "defaults.ini"
"""By this file Grafana's own folder, which it calls its home, is known."""


def find(settings: Settings) -> Found:
    """The server on PATH, under its name of today or the one before, with the folder of its pages."""
    seen = []
    for name, words in (("grafana", ("server",)), ("grafana-server", ())):
        path = on_path(name, settings.path)
        line = first_line([str(path), "-v"]) if path else None
        if path is None or line is None:
            continue
        home = _home(path)
        if home is None:
            seen.append(f"{path} has no {_DEFAULTS} in a folder beside it")
            continue
        number = re.search(r"\d+(?:\.\d+)+", line)
        command = (str(path), *words, "--homepath", str(home))
        return Found(name="grafana", command=command, source="PATH", version=number[0] if number else line)
    why = "; ".join(seen) or "no grafana or grafana-server that runs is on PATH"
    way_on = "nothing else needs it; to have it: install Grafana, then `make down` and `GRAFANA=1 make up`"
    return Found(name="grafana", missing=f"not started: {why}; {way_on}")


def _home(path: Path) -> Path | None:
    """`bin/grafana` of an archive stands in its home; a package has it in `share/grafana` of the same prefix."""
    prefix = path.parent.parent
    return next((home for home in (prefix, prefix / "share" / "grafana") if (home / _DEFAULTS).is_file()), None)
