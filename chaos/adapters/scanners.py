"""Scanners to compare a review with: ruff's security rules, bandit, and semgrep with our own rules. All work offline.

bandit and semgrep have an environment of their own, `.lab/scanners`, which `get` makes from a lock file with hashes.
A scanner that is not installed is left out, with a message.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from chaos.adapters import apart
from chaos.config import CHECKOUT, lab_dir
from chaos.model import cwe
from chaos.model.notes import Note, distinct
from chaos.review import sarif
from launch import environment

LOCK: Final = CHECKOUT / "requirements-scanners.lock"
RULES: Final = Path(sarif.__file__).parent / "scanners" / "rules.yaml"
NAMES: Final = ("ruff", "bandit", "semgrep")
PATIENCE_S: Final = 120.0
_RUFF: Final[Mapping[str, int]] = {
    "S102": 78, "S105": 259, "S106": 259, "S107": 259, "S108": 377, "S110": 703, "S112": 703, "S113": 400, "S301": 502,
    "S302": 502, "S307": 78, "S311": 330, "S324": 327, "S403": 502, "S501": 295, "S506": 20, "S602": 78, "S605": 78,
    "S608": 89, "S610": 89, "S611": 89,
}  # fmt: skip
"""Rule of ruff → its CWE, as bandit, where these rules come from, assigns it."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What one scanner found; *notes* is None when it could not run, for the reason *why*."""

    scanner: str
    notes: list[Note] | None = None
    why: str = ""


def folder() -> Path:
    """The scanners' environment."""
    return lab_dir() / "scanners"


def scan(files: Mapping[str, str]) -> list[Found]:
    """Run every scanner on *files*, name → text."""
    with tempfile.TemporaryDirectory(prefix="firedrill-review-") as top:
        for name, text in files.items():
            (Path(top) / name).write_text(text, "utf-8")
        return [_asked(name, Path(top), files) for name in NAMES]


def _asked(name: str, top: Path, files: Mapping[str, str]) -> Found:
    program = _program(name)
    if program is None:
        return Found(scanner=name, why="not there (firedrill review scanners gets it)")
    try:
        done = subprocess.run(
            [str(program), *_words(name, sorted(files))],
            cwd=top,
            env=environment.for_programs() | {"HOME": str(top), "SEMGREP_SEND_METRICS": "off"},
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
        listed = _READ[name](json.loads(done.stdout), files)
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as error:
        return Found(scanner=name, why=f"could not be asked: {type(error).__name__}")
    return Found(scanner=name, notes=distinct(listed))


def _program(name: str) -> Path | None:
    for place in (folder() / "bin", Path(sys.executable).parent):
        if (place / name).is_file():
            return place / name
    return None


def _words(name: str, files: list[str]) -> list[str]:
    match name:
        case "ruff":
            return [
                "check",
                "--isolated",
                "--no-cache",
                "--select",
                "S",
                "--output-format",
                "json",
                "--exit-zero",
                *files,
            ]
        case "bandit":
            return ["--quiet", "--format", "json", "--exit-zero", *files]
        case _:
            return [
                "scan",
                "--config",
                str(RULES),
                "--metrics",
                "off",
                "--disable-version-check",
                "--sarif",
                "--quiet",
                ".",
            ]


def _ruff(document: Any, files: Mapping[str, str]) -> Iterator[Note]:
    for one in document:
        if number := _RUFF.get(str(one["code"])):
            yield _note(one["filename"], one["location"]["row"], number, "medium", f"{one['code']}: {one['message']}")


def _bandit(document: Any, files: Mapping[str, str]) -> Iterator[Note]:
    for one in document["results"]:
        if number := one.get("issue_cwe", {}).get("id"):
            words = f"{one['test_id']}: {one['issue_text']}"
            yield _note(one["filename"], one["line_number"], int(number), one["issue_severity"].lower(), words)


def _semgrep(document: Any, files: Mapping[str, str]) -> list[Note]:
    return sarif.imported(json.dumps(document).encode(), files, "semgrep")[0]


_READ: Final[Mapping[str, Callable[[Any, Mapping[str, str]], Any]]] = {
    "ruff": _ruff,
    "bandit": _bandit,
    "semgrep": _semgrep,
}


def _note(file: str, line: int, number: int, severity: Any, why: str) -> Note:
    number = number if number in cwe.names() else 693
    return Note(file=Path(file).name, line=line, last_line=line, cwe=number, severity=severity, why=why)


def get(say: Callable[[str], None]) -> Path:
    """Make the environment unless it is up to date; *say* gets lines of progress. Raises: LabBroken."""
    return apart.get(LOCK, folder(), "scanners", "an environment of their own; semgrep is large", say)
