"""Which run the words of a command line mean: `last`, `last naive`, a part of a run id, a path that the lab printed.

`last` is the newest run that came to a verdict; words after it choose among them by variant, scenario or verdict, and
`last~1` is the one before. No word at all means `last`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import islice, takewhile
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote

from chaos.config import CHECKOUT, evidence_dir
from chaos.errors import InvalidInput
from chaos.evidence.newest import Ended, ended
from chaos.evidence.writing import folders
from chaos.model.folder import File
from chaos.model.text import one_line
from chaos.model.verdict import Verdict

MOST_NAMED: Final = 8
"""Run ids in a complaint."""
EXPECTED: Final = (
    "last, last and a variant, scenario or verdict, a run id or a unique part of one, or a folder of evidence"
)
_LAST: Final = re.compile(r"last(?:~([0-9]{1,4}))?")
_IN_THE_DASHBOARD: Final = re.compile(r"^https?://.*[?&]run=([^&#]+)")
_ALWAYS: Final = frozenset({"naive", "hardened", "attempt", *Verdict})

Fits = Callable[[Ended], bool]


class Taken(NamedTuple):
    """A run, and the words that are not part of its name."""

    folder: Path
    rest: list[str]


def anything(_: Ended) -> bool:
    """For commands that take any run that ended."""
    return True


def run_named(words: Sequence[str] | None, *, fits: Fits = anything, wanted: str = EXPECTED) -> Path:
    """The folder of the run that all of *words* name; `last` when there are none.

    Args:
        fits: What a run must be that `last` may mean.
        wanted: That in words, for a complaint.

    Raises: InvalidInput, with the runs that may be meant.
    """
    first, *rest = _split(words)
    if _LAST.fullmatch(first):
        return _last(first, rest, fits, wanted)
    if rest:
        raise InvalidInput(f"run: got {' '.join([first, *rest])[:200]!r}, expected the name of one run")
    return _named(first)


def take(words: Sequence[str] | None, *, fits: Fits = anything, wanted: str = EXPECTED) -> Taken:
    """As `run_named`, for the first of *words*; with the words behind the run's name.

    Raises: InvalidInput, with the runs that may be meant.
    """
    first, *rest = _split(words)
    if not _LAST.fullmatch(first):
        return Taken(_named(first), rest)
    known = _words_of_runs() if rest else frozenset[str]()
    chosen = list(takewhile(known.__contains__, rest))
    return Taken(_last(first, chosen, fits, wanted), rest[len(chosen) :])


def is_one(word: str) -> bool:
    """Whether *word* begins the name of a run, unique or not."""
    try:
        return bool(_LAST.fullmatch(word.split(" ", maxsplit=1)[0]) or _found(word))
    except InvalidInput:
        return False


def two(words: Sequence[str] | None) -> tuple[Path, Path]:
    """A run before and a run after. Where only one is named, the other is of the same scenario and seed.

    Nothing named: the last run, and the one before it on the same variant, or else on another. One named: the newest
    run after it. Raises: InvalidInput.
    """
    if not words:
        after = take([])
        return _beside(after.folder, newer=False), after.folder
    before = take(words)
    if not before.rest:
        return before.folder, _beside(before.folder, newer=True)
    return before.folder, run_named(before.rest)


def _split(words: Sequence[str] | None) -> list[str]:
    """A name of several words may come as one: `--run "last naive"`."""
    given = [part for word in words or () for part in (word.split() if word.startswith("last") else [word])]
    return given or ["last"]


def _words_of_runs() -> frozenset[str]:
    """What `last` can be followed by."""
    return _ALWAYS.union(*(_words(run) for run in ended(evidence_dir())))


def _words(run: Ended) -> set[str]:
    return {run.variant, run.scenario, run.scenario.rpartition("/")[2], str(run.verdict)}


def _last(first: str, chosen: Sequence[str], fits: Fits, expected: str) -> Path:
    match = _LAST.fullmatch(first)
    back = int(match[1] or 0) if match else 0
    meant = (run for run in ended(evidence_dir()) if _words(run).issuperset(chosen) and fits(run))
    for run in islice(meant, back, None):
        return run.folder
    said = " ".join([first, *chosen])
    if said == "last" and expected != EXPECTED:  # nobody typed it: it stands for a run that was not named
        raise InvalidInput(f"run: got none on record, expected {expected}")
    more = _newest_named() if expected == EXPECTED else ""
    raise InvalidInput(f"run: got {said[:200]!r}, which no run on record is, expected {expected}{more}")


def _named(word: str) -> Path:
    found = _found(word)
    if len(found) == 1:
        return found[0]
    short = word if len(word) <= 60 else f"{word[:57]}…"
    if found:
        hint = f" (last {word} is the newest)" if word in _words_of_runs() else ""
        raise InvalidInput(
            f"run: got {short!r}, a part of {len(found)} run ids, expected a part of one{hint}:{_listed(found)}"
        )
    raise InvalidInput(f"run: got {short!r}, expected {EXPECTED}{_newest_named()}")


def _found(word: str) -> list[Path]:
    """Every folder that *word* may mean, newest first."""
    try:
        if (by_path := _by_path(word)) is not None:
            return [by_path]
        return [folder for folder in reversed(folders(evidence_dir())) if word and word in folder.name]
    except (OSError, ValueError):  # too long, a NUL in it, bytes that are no text
        return []


def _by_path(word: str) -> Path | None:
    """A run id, a folder, a file of a folder, the page of a run in the dashboard.

    Of a path of another machine or container the folder's name counts.
    """
    root = evidence_dir()
    if page := _IN_THE_DASHBOARD.match(word):
        word = unquote(page[1])
    if "/" not in word and word.strip(".") and (root / word).is_dir():
        return root / word
    for place in (Path(word), CHECKOUT / word):
        if word and place.is_dir():
            return place
        if place.is_file() and (place.parent / File.JOURNAL).is_file():
            return place.parent
    parts = Path(word).parts if "/" in word else ()
    return next((root / part for part in reversed(parts) if (root / part / File.JOURNAL).is_file()), None)


def _beside(folder: Path, *, newer: bool) -> Path:
    """The run to compare *folder* with, of the same scenario, seed and scale: newer, or else older."""
    runs = list(ended(evidence_dir()))
    one = next((run for run in runs if run.folder.resolve() == folder.resolve()), None)
    if one is None:
        raise InvalidInput(f"run: got only {one_line(folder.name)}, expected two (firedrill compare A B)")
    wanted = (one.scenario, one.seed, one.scale)
    same = [run for run in runs if run != one and (run.scenario, run.seed, run.scale) == wanted]
    same = [run for run in same if (run.run_id > one.run_id) == newer]
    best = next((run for run in same if run.variant == one.variant), None) or next(iter(same), None)
    if best is None:
        when = f"{'after' if newer else 'before'} {one_line(one.run_id)}"
        raise InvalidInput(
            f"run: got no run of {one.scenario} with seed {one.seed} {when}, expected one to compare it with"
        )
    return best.folder


def _newest_named() -> str:
    found = list(reversed(folders(evidence_dir())))
    return f"; the newest runs are:{_listed(found)}" if found else "; there is no run yet (firedrill run SCENARIO)"


def _listed(found: Sequence[Path]) -> str:
    lines = [one_line(folder.name) for folder in found[:MOST_NAMED]]
    lines += [f"and {left} more (firedrill list --runs)"] if (left := len(found) - MOST_NAMED) > 0 else []
    return "".join(f"\n  {line}" for line in lines)
