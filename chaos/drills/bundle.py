"""One file for a mentor: what the checks of a drill came to, their runs, and the code that ran."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from chaos.drills.catalogue import PARTS, Drill
from chaos.drills.check import CHECKS, Passed, worst
from chaos.drills.check_review import REFACTOR
from chaos.drills.drafts import base_in
from chaos.drills.own_tests import NAME as OWN_TESTS_NAME
from chaos.errors import InvalidInput, LabBroken
from chaos.evidence.files import MOST_HISTORY_BYTES, Unreadable, is_regular, open_regular, read_bytes, read_json
from chaos.evidence.manifest import unchanged
from chaos.evidence.verdict import read_verdict
from chaos.evidence.writing import encode
from chaos.files import write_atomic
from chaos.model.folder import File
from chaos.model.verdict import Verdict
from chaos.report.bundle import Bundled, Line, Ran, readme

BUNDLES = "bundles"
WITHOUT_TRIES = frozenset({OWN_TESTS_NAME, REFACTOR})
"""Lines of a check that are no scenarios: they stand as the learner's own lab told them, and the bundle says so."""
MOST_BYTES = 1 << 30
"""Of all runs of a bundle, which is made in memory. Ten runs of half a minute are 20 MB."""


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    verdict: Verdict
    items: tuple[Passed, ...]

    @property
    def runs(self) -> list[str]:
        """Names of the folders of evidence."""
        return [Path(tried.folder).name for item in self.items for tried in item.tries]


class _Check(msgspec.Struct, frozen=True):
    parts: dict[str, _Part]


def bundle(one: Drill, *, variant: str, root: Path, learner: str, to: Path | None = None) -> Path:
    """Pack the newest check of each part of drill *one* with its runs and code into a ZIP file.

    Args:
        root: The folder of evidence.
        learner: The name where no run carries one; may be empty.
        to: The file; None for one of its own below *root*.

    Raises: InvalidInput when there is no check, when a run of it is missing, was never closed or was changed, or when
        the check says otherwise than its runs. LabBroken when the file can't be written.
    """
    _require_file(to)
    parts = _newest(one, variant, root)
    folders = [root / name for name in sorted({name for part in parts.values() for name in part.runs})]
    if problems := [f"{folder.name}: {problem}" for folder in folders for problem in unchanged(folder)]:
        raise InvalidInput(problems)
    size = sum(path.lstat().st_size for folder in folders for path in folder.rglob("*"))
    if size > MOST_BYTES:
        raise InvalidInput(f"bundle: got runs of {size} bytes, expected at most {MOST_BYTES}, which one file can carry")
    runs = {folder.name: _ran(folder) for folder in folders}
    if problems := list(_contradictions(one, variant, parts, runs)):
        raise InvalidInput(problems)
    patch = runs[folders[-1].name].patch if folders else None
    who = ", ".join(dict.fromkeys(ran.learner for ran in runs.values() if ran.learner)) or learner
    now = datetime.now(UTC)
    page = readme(
        Bundled(
            drill=one.number,
            title=one.title,
            learner=who,
            parts={name: _shown(parts.get(name), runs) for name in PARTS if one.part(name)},
            runs=list(runs.values()),
            patch=patch,
        ),
        written=f"{now:%Y-%m-%d}",
    )
    check = {"drill": one.number, "key": one.key, "variant": variant, "learner": who, "parts": parts}
    path = to or root / BUNDLES / f"{_slug(who)}-drill-{one.number}-{now:%Y%m%d-%H%M%S}.zip"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        own = {"README.md": page.encode(), "check.json": encode(check), **({str(File.PATCH): patch} if patch else {})}
        write_atomic(path, _zipped(_slug(path.stem), own, folders))
    except OSError as error:
        raise LabBroken(f"{path}: got {error.strerror or error}, expected to write the bundle") from None
    return path


def _require_file(to: Path | None) -> None:
    try:
        problem = "a folder" if to is not None and str(to).encode() and to.is_dir() else ""
    except UnicodeEncodeError:
        problem = "bytes that are no text"
    if problem:
        raise InvalidInput(f"--to: got {str(to)!r}, {problem}, expected a file")


def _ran(folder: Path) -> Ran:
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
        )
    except Unreadable as error:
        raise InvalidInput(f"{folder.name}: {error}") from None


def _revision(folder: Path) -> Any:
    about = read_json(folder / File.MANIFEST, dict[str, Any]).get("about")
    return about.get("git_revision", "") if isinstance(about, dict) else ""


def _contradictions(one: Drill, variant: str, parts: Mapping[str, _Part], runs: Mapping[str, Ran]) -> Iterator[str]:
    """Where the check, a file without a seal, says otherwise than the runs that it names."""
    for name, part in parts.items():
        for item in part.items:
            where = f"check of drill {one.number}: {name}: {item.name}"
            for tried in item.tries:
                ran = runs[Path(tried.folder).name]
                told = (item.name, one.number, variant, tried.seed, tried.verdict)
                if (found := (ran.scenario, ran.drill, ran.variant, ran.seed, ran.verdict)) != told:
                    yield f"{where}: got {_words(told)}, expected {_words(found)} as in {ran.run_id}"
            if item.name not in WITHOUT_TRIES and item.verdict != (decided := _decided(one, item)):
                yield f"{where}: got {item.verdict}, expected {decided} from {len(item.tries)} tries"
        if part.verdict != (expected := worst(part.items)):
            yield f"check of drill {one.number}: {name}: got {part.verdict}, expected {expected} from its parts"


def _decided(one: Drill, item: Passed) -> Verdict:
    """As `check` decides: one violation is enough, a hold counts once per seed."""
    if any(tried.verdict == Verdict.VIOLATED for tried in item.tries):
        return Verdict.VIOLATED
    held = {tried.seed for tried in item.tries if tried.verdict == Verdict.HELD}
    return Verdict.HELD if len(held) >= one.holds else Verdict.INCONCLUSIVE


def _words(told: tuple[object, ...]) -> str:
    return "{} of drill {} on {} with seed {}, {}".format(*told)


def _shown(part: _Part | None, runs: Mapping[str, Ran]) -> tuple[str, list[Line]] | None:
    if part is None:
        return None
    return part.verdict, [
        Line(
            name=item.name,
            verdict=item.verdict,
            reason=item.reason,
            runs=[runs[Path(tried.folder).name] for tried in item.tries],
        )
        for item in part.items
    ]


def _newest(one: Drill, variant: str, root: Path) -> dict[str, _Part]:
    """Each part as its newest check has it. Raises: InvalidInput."""
    found: dict[str, _Part] = {}
    for path in sorted((root / CHECKS).glob("*.json")):
        if not path.name.endswith(f"-{one.key}-{variant}.json"):
            continue
        try:
            found |= read_json(path, _Check).parts
        except Unreadable as error:
            raise InvalidInput(f"{CHECKS}/{error}") from None
    if not found:
        raise InvalidInput(
            f"bundle: got no check of drill {one.number} on {variant!r}, expected one (firedrill check {one.number})"
        )
    return {part: found[part] for part in PARTS if part in found}


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "learner"


def _zipped(top: str, own: Mapping[str, bytes], folders: list[Path]) -> bytes:
    """All below one folder *top*: *own* files by name, and `runs/` with the folders of evidence."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for name, content in own.items():
            archive.writestr(f"{top}/{name}", content)
        for folder in folders:
            for path in sorted(path for path in folder.rglob("*") if is_regular(path)):
                info = zipfile.ZipInfo.from_file(
                    path, f"{top}/runs/{folder.name}/{path.relative_to(folder).as_posix()}", strict_timestamps=False
                )
                info.compress_type = zipfile.ZIP_DEFLATED
                with open_regular(path, most=MOST_HISTORY_BYTES) as file, archive.open(info, "w") as target:
                    shutil.copyfileobj(file, target)
    return packed.getvalue()
