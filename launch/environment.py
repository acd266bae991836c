"""Which of the caller's environment variables the lab keeps, and which program gets them. The names are in kept.txt.

Settings in the environment are read by the packages' `config` modules.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("kept.txt")
_STAYS = ("programs", "settings", "caller")
_ASIDE = ("certificates", "installers")
_set_aside: dict[str, str] = {}


@cache
def names() -> Mapping[str, tuple[str, ...]]:
    """Section of kept.txt → its patterns, in the file's order."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in _FILE.read_text("utf-8").splitlines():
        word = line.strip()
        if word.startswith("["):
            section = word.strip("[]")
        elif word and not word.startswith("#"):
            found.setdefault(section, []).append(word)
    return {name: tuple(patterns) for name, patterns in found.items()}


def _only(environ: Mapping[str, str], *sections: str) -> dict[str, str]:
    patterns = [pattern for section in sections for pattern in names()[section]]
    return {name: value for name, value in environ.items() if any(fnmatchcase(name, p) for p in patterns)}


def adopt() -> None:
    """Drop the variables that the lab does not use, and set aside those that only installers get."""
    _set_aside.update(_only(os.environ, *_ASIDE))
    for name in os.environ.keys() - _only(os.environ, *_STAYS).keys():
        del os.environ[name]
    if (folder := os.environ.get("TMPDIR")) and not (Path(folder).is_dir() and os.access(folder, os.W_OK)):
        del os.environ["TMPDIR"]  # Python ignores an unusable folder, too
    if os.environ.get("FIREDRILL_MODE") == "compose":
        return  # commands in a container start in its checkout, and its absolute paths mean nothing on the host
    for name, value in _only(os.environ, "settings").items():
        # Made absolute, since some of the lab's commands start in the checkout, not in the caller's working directory.
        if (value and name.endswith(("_DIR", "_FILE"))) or (name.endswith("TOXIPROXY") and "/" in value):
            os.environ[name] = str(Path(value).expanduser().resolve())


def _all() -> Mapping[str, str]:
    return {**_set_aside, **os.environ}


def for_programs() -> dict[str, str]:
    """The environment for a program of the lab, to which the lab adds settings."""
    return _only(os.environ, "programs")


def for_commands() -> dict[str, str]:
    """The environment for another command of the lab, as if the caller had started it."""
    return _only(_all(), *_STAYS, *_ASIDE)


def for_installers() -> dict[str, str]:
    """The environment for pip, Go and apt."""
    return _only(_all(), "programs", *_ASIDE)


def certificates() -> dict[str, str]:
    """The caller's certificate settings, for programs that connect to other machines."""
    return _only(_all(), "certificates")
