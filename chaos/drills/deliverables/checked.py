"""The newest check of a drill with its runs, verified again: a check has no seal, so it may have been edited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from chaos.drills.catalogue import PARTS, Drill
from chaos.drills.catalogue import Part as PartName
from chaos.drills.check import CHECKS, Passed, worst
from chaos.drills.drafts import base_in
from chaos.drills.index import code_of
from chaos.errors import InvalidInput
from chaos.evidence.files import Unreadable, is_regular, read_bytes, read_json
from chaos.evidence.manifest import unchanged
from chaos.evidence.stamps import oldest_first
from chaos.evidence.verdict import read_verdict
from chaos.model.folder import File
from chaos.model.verdict import Verdict
from chaos.report.deliverable import Line, Ran

MOST_BYTES = 1 << 30
"""Of all runs of a deliverable. Thirty runs of half a minute are 60 MB."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a check."""

    verdict: Verdict
    items: tuple[Passed, ...]

    @property
    def runs(self) -> list[str]:
        """Names of the folders of evidence."""
        return [Path(tried.folder).name for item in self.items for tried in item.tries]


class _Check(msgspec.Struct, frozen=True):
    parts: dict[PartName, Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the newest check of each part came to.

    Attributes:
        parts: Only those that were checked.
        runs: Name of a folder → the run, oldest first.
    """

    parts: Mapping[PartName, Part]
    runs: Mapping[str, Ran]


def checked(one: Drill, *, variant: str, root: Path) -> Checked:
    """Raises: InvalidInput when there is no check, when a run of it is missing, was never closed or was changed, when
    they are too many to hand over, or when the check says otherwise than its runs.
    """
    parts = _newest(one, variant, root)
    folders = [root / name for name in sorted({name for part in parts.values() for name in part.runs})]
    require_whole(folders)
    runs = {folder.name: ran(folder) for folder in folders}
    if problems := list(_contradictions(one, variant, parts, runs)):
        raise InvalidInput(problems)
    return Checked(parts=parts, runs=runs)


def require_whole(folders: list[Path]) -> None:
    """Raises: InvalidInput for folders that are not as their runs left them, or that are too large together."""
    if problems := [f"{folder.name}: {problem}" for folder in folders for problem in unchanged(folder)]:
        raise InvalidInput(problems)
    size = sum(path.lstat().st_size for folder in folders for path in folder.rglob("*"))
    if size > MOST_BYTES:
        raise InvalidInput(
            f"deliver: got runs of {size} bytes, expected at most {MOST_BYTES}, which one file can carry"
        )


def ran(folder: Path) -> Ran:
    """Of a folder whose seal was found right. Raises: InvalidInput for one that is no run's."""
    try:
        document = read_verdict(folder)
        return Ran(
            run_id=folder.name,
            scenario=document.scenario,
            drill=document.drill,
            variant=document.variant,
            seed=document.seed,
            scale=document.scale,
            verdict=document.verdict,
            started_at=document.started_at,
            learner=document.learner,
            isolation=document.isolation,
            revision=str(_revision(folder)),
            base=base_in(document.versions),
            patch=read_bytes(folder / File.PATCH) if is_regular(folder / File.PATCH) else None,
            summary=document.summary,
            code=code_of(folder),
        )
    except Unreadable as error:
        raise InvalidInput(f"{folder.name}: {error}") from None


def _revision(folder: Path) -> Any:
    about = read_json(folder / File.MANIFEST, dict[str, Any]).get("about")
    return about.get("git_revision", "") if isinstance(about, dict) else ""


def _contradictions(one: Drill, variant: str, parts: Mapping[PartName, Part], runs: Mapping[str, Ran]) -> Iterator[str]:
    """Where the check says otherwise than the runs that it names."""
    for name, part in parts.items():
        names = {item.name for item in part.items}
        for missing in (scenario for scenario in one.part(name) if scenario not in names):
            yield f"check of drill {one.number}: {name}: got no {missing}, expected it there (firedrill check again)"
        for item in part.items:
            where = f"check of drill {one.number}: {name}: {item.name}"
            for tried in item.tries:
                its = runs[Path(tried.folder).name]
                told = (item.name, one.number, variant, tried.seed, tried.verdict)
                if (found := (its.scenario, its.drill, its.variant, its.seed, its.verdict)) != told:
                    yield f"{where}: got {_words(told)}, expected {_words(found)} as in {its.run_id}"
            if _is_scenario(item) and item.verdict != (decided := _decided(one, item)):
                yield f"{where}: got {item.verdict}, expected {decided} from {len(item.tries)} tries"
        if part.verdict != (expected := worst(part.items)):
            yield f"check of drill {one.number}: {name}: got {part.verdict}, expected {expected} from its parts"


def _is_scenario(item: Passed) -> bool:
    """Other lines have no runs: they stand as the learner's own lab told them, and the deliverable says so."""
    return "/" in item.name


def _decided(one: Drill, item: Passed) -> Verdict:
    """As `check` decides: one violation is enough, a hold counts once per seed."""
    if any(tried.verdict == Verdict.VIOLATED for tried in item.tries):
        return Verdict.VIOLATED
    held = {tried.seed for tried in item.tries if tried.verdict == Verdict.HELD}
    return Verdict.HELD if len(held) >= one.holds else Verdict.INCONCLUSIVE


def _words(told: tuple[object, ...]) -> str:
    return "{} of drill {} on {} with seed {}, {}".format(*told)


def lines(items: tuple[Passed, ...], runs: Mapping[str, Ran]) -> list[Line]:
    """As the first page shows them."""
    return [
        Line(
            name=item.name,
            verdict=item.verdict,
            reason=item.reason,
            runs=[runs[Path(tried.folder).name] for tried in item.tries],
        )
        for item in items
    ]


def _newest(one: Drill, variant: str, root: Path) -> dict[PartName, Part]:
    """Each part as its newest check has it; one that can't be read is passed over where a later one has its parts.

    Raises: InvalidInput.
    """
    found: dict[PartName, Part] = {}
    hidden: dict[PartName, str] = {}
    for path in oldest_first((root / CHECKS).glob("*.json")):
        if not path.name.endswith(f"-{one.key}-{variant}.json"):
            continue
        try:
            parts = read_json(path, _Check).parts
        except Unreadable as error:
            hidden = dict.fromkeys(PARTS, str(error))
            continue
        found |= parts
        hidden = {part: why for part, why in hidden.items() if part not in parts}
    if unknown := next((hidden[part] for part in hidden if part in found or not found), None):
        raise InvalidInput(f"{CHECKS}/{unknown}; check again (firedrill check {one.number})")
    if not found:
        raise InvalidInput(
            f"deliver: got no check of drill {one.number} on {variant!r}, expected one (firedrill check {one.number})"
        )
    return {part: found[part] for part in PARTS if part in found}
