"""What may stand where the cursor is, for the scripts of `firedrill completion`: `firedrill __complete WORD… CURRENT`.

Prints a candidate a line, with a tab and a few words about it; nothing where a file is wanted, which shells complete by
themselves. A person waits for it at each press of the key, so it imports little: what the commands take stands in
shapes.json, written by `chaos.cli.completing`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from chaos.config import CHECKOUT, evidence_dir
from chaos.errors import InvalidInput
from chaos.model.folder import File

SHAPES: Final = Path(__file__).with_name("shapes.json")
MOST_RUNS: Final = 200
VERDICTS: Final = ("held", "inconclusive", "violated")
_PLAIN: Final = re.compile(r"[A-Za-z0-9._/-]+")
"""Names that need no quotes in a shell. Folders with other names are not completed."""
_ON_DEMAND: Final = ("mutant_", "draft_")

Candidates = Iterator[tuple[str, str]]


def main() -> None:
    """Entry point. It ends without an error whatever happens: the shell would show none."""
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        *before, current = sys.argv[2:] or [""]
        lines = [f"{word}\t{about}" for word, about in candidates(before, current) if word.startswith(current)]
        sys.stdout.write("".join(f"{line}\n" for line in dict.fromkeys(lines)))


def candidates(before: Sequence[str], current: str) -> Candidates:
    """What *current* may become behind the words *before*, which begin with the command."""
    shape = json.loads(SHAPES.read_bytes())
    rest = [word for word in before if word != "="]  # bash takes --variant=naive apart
    while rest and "commands" in shape:
        shape = shape["commands"].get(rest.pop(0), {})
    if "commands" in shape:
        yield from ((name, its["about"]) for name, its in shape["commands"].items())
        return
    options: dict[str, Any] = shape.get("options", {})
    words, awaited = _positions(rest, options)
    if awaited is not None:
        yield from _of(awaited, [])
    elif current.startswith("-"):
        yield from ((name, its["about"]) for name, its in options.items())
    elif takes := shape.get("words", []):
        yield from _of(takes[min(len(words), len(takes) - 1)], words)


def _positions(rest: Sequence[str], options: dict[str, Any]) -> tuple[list[str], Any]:
    """The words that are no options nor their values; and what an option at the end still awaits, else None."""
    words: list[str] = []
    awaited: Any = None
    for word in rest:
        if awaited is not None:
            awaited = None
        elif word.startswith("-"):
            awaited = options.get(word, {}).get("takes")
        else:
            words.append(word)
    return words, awaited


def _of(takes: Any, words: Sequence[str]) -> Candidates:
    """Candidates of a kind, or the words that are listed."""
    match takes:
        case list():
            yield from ((each, "") for each in takes)
        case "scenario":
            yield from _scenarios()
        case "variant":
            yield from _variants()
        case "drill":
            yield from _drills()
        case "run":
            yield from _runs(words)
        case "run and check":
            yield from _runs(words)
            yield from _checks(words)


def _scenarios() -> Candidates:
    """By the whole name, and by the name alone where one folder has it."""
    paths = sorted((CHECKOUT / "scenarios").glob("*/*.yaml"))
    stems = [path.stem for path in paths]
    for path in paths:
        yield f"{path.parent.name}/{path.stem}", ""
    yield from ((stem, "") for stem in stems if stems.count(stem) == 1)


def _variants() -> Candidates:
    for path in sorted((CHECKOUT / "services" / "shop").glob("*/settings.py")):
        if path.parent.name.isidentifier() and not path.parent.name.startswith(_ON_DEMAND):
            yield path.parent.name, ""


def _drills() -> Candidates:
    data = json.loads((CHECKOUT / "services" / "scorecard" / "data" / "drills.json").read_bytes())
    yield from ((str(drill["number"]), drill["title"]) for drill in data["drills"])


def _runs(words: Sequence[str]) -> Candidates:
    """The newest first; behind `last` what chooses among them."""
    if words and words[-1].startswith("last"):
        yield from ((verdict, "") for verdict in VERDICTS)
        yield from _variants()
    yield "last", "the newest run that came to a verdict"
    yield from ((folder.name, "") for folder in _folders()[:MOST_RUNS])


def _folders() -> list[Path]:
    found = (path.parent for path in evidence_dir().glob(f"*/{File.JOURNAL}"))
    return sorted((folder for folder in found if _PLAIN.fullmatch(folder.name)), reverse=True)


def _checks(words: Sequence[str]) -> Candidates:
    """The violated checks of the run that stands there, or of the last one."""
    from chaos.evidence.verdict import read_verdict  # noqa: PLC0415 - no other candidates need it

    named = words[0] if words and not words[0].startswith("last") else None
    for folder in _folders():
        if named not in (None, folder.name):
            continue
        try:
            findings = read_verdict(folder).findings
        except InvalidInput:
            continue  # it never ended, or somebody damaged it
        for finding in findings:
            if finding.verdict == "violated" and _PLAIN.fullmatch(finding.check):
                yield finding.check, "violated"
        return
