"""From an attempt to its deliverable: what is doubted first, the drill's own documents, and one ZIP around them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from chaos.drills import attempt as attempts
from chaos.drills.catalogue import PARTS, Drill
from chaos.drills.check import worst
from chaos.drills.deliverables import auth, concurrency, contract, failure, pack, queries, review
from chaos.drills.deliverables.checked import Checked, checked, lines, ran, require_whole
from chaos.drills.deliverables.fresh import documents
from chaos.drills.deliverables.work import ATTEMPT, Fresh, Work, Written
from chaos.drills.drafts import NAIVE, base_of, own_draft
from chaos.drills.index import code_of
from chaos.drills.revision import git_revision
from chaos.errors import InvalidInput, LabBroken
from chaos.evidence.files import Unreadable
from chaos.model.deliverable import (
    FORMAT,
    PATCH,
    README,
    VERSION,
    Delivered,
    Entry,
    LineOf,
    Own,
    PartOf,
    RunOf,
    sealed,
)
from chaos.model.patch import changes, same_code
from chaos.model.verdict import SEVERITY, Verdict
from chaos.report.deliverable import HandedIn, Line, Ran, readme

WRITERS: Final[Mapping[int, Callable[[Path, Work], Written]]] = {
    1: contract.write, 2: queries.write, 3: concurrency.write, 4: auth.write, 5: failure.write, 6: review.write,
}  # fmt: skip
UNJUDGED: Final[Mapping[int, str]] = {
    1: "The words of the list of discrepancies, and whether the pull request is one that a reviewer would merge.",
    2: "Whether the strategy that is explained is the reason why the figures changed.",
    3: "Races outside the schedules and loads of the scenarios, and whether the change is as small as it can be.",
    4: "Whether the learner's tests test what their names say, and what happens to tokens outside the matrix.",
    5: "Whether what clients are told during an outage helps a person, and outages that no scenario makes.",
    6: "Explanations and corrections in the notes, beyond place, kind and severity.",
}
ALWAYS: Final = (
    "Whether the learner can explain the code: ask.",
    "Who wrote the code, and with whose help.",
)
MOST_TRIES: Final = 2_000
MOST_NAMES: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What is there before anything runs.

    Attributes:
        checked: None where no machine can grade the drill.
    """

    one: Drill
    shop: Path
    root: Path
    base: str
    patch: bytes
    checked: Checked | None


def ready(one: Drill, *, root: Path, shop: Path = attempts.SHOP) -> Ready:
    """Raises: InvalidInput for all that can be known to be missing before the fresh seed is run."""
    if not (shop / ATTEMPT).is_dir():
        raise InvalidInput("deliver: got no attempt, expected one (firedrill attempt start)")
    if one.number in (1, 2):
        own_draft(one, shop / ATTEMPT)
    graded = review.require(shop) if one.number == 6 else True
    patch = attempts.patch(ATTEMPT, shop) or b""
    if one.number == 1:
        contract.require(one, shop, patch)
    if one.number == 2:
        queries.require(one, shop, root, patch)
    if graded and not changes(patch):
        raise InvalidInput("deliver: got the code as it was given, expected it changed in services/shop/attempt/")
    return Ready(
        one=one, shop=shop, root=root, base=base_of(shop / ATTEMPT), patch=patch,
        checked=checked(one, variant=ATTEMPT, root=root) if graded else None,
    )  # fmt: skip


def deliver(it: Ready, *, fresh: Fresh | None, own: Own, to: Path) -> tuple[Delivered, Path, Written]:
    """Write the drill's documents below *to* and the ZIP into it. Returns: what it says, the ZIP, what was written.

    Raises: InvalidInput as the drill's own module, or when the code was changed while it ran. LabBroken.
    """
    runs = _runs(it, fresh)
    if fresh and (other := [one for one in _fresh_runs(runs, fresh) if not _is_code(it, one)]):
        raise InvalidInput(
            f"deliver: got an attempt that was changed while {other[0].run_id} ran, expected it left alone until then"
        )
    work = Work(
        one=it.one, shop=it.shop, root=it.root, base=it.base, patch=it.patch, notes=own.notes, fresh=fresh
    )  # fmt: skip
    folder = to / f"drill-{it.one.number}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = WRITERS[it.one.number](folder, work)
    except OSError as error:
        raise LabBroken(f"{folder}: got {error.strerror or error}, expected to write the deliverable") from None
    return _packed(it, fresh, own, to, runs, written)


def _packed(
    it: Ready, fresh: Fresh | None, own: Own, to: Path, runs: Mapping[str, Ran], written: Written
) -> tuple[Delivered, Path, Written]:
    now = datetime.now(UTC)
    who = ", ".join(dict.fromkeys(one.learner for one in runs.values() if one.learner))[:MOST_NAMES] or own.name
    verdict, doubts = _verdict(it, fresh, runs)
    tries = _tries(it, runs)
    unjudged = _unjudged(it)
    parts: dict[str, tuple[str, Sequence[Line]] | None] = {
        name: (part.verdict, lines(part.items, runs)) if it.checked and (part := it.checked.parts.get(name)) else None
        for name in PARTS if it.one.part(name)
    }  # fmt: skip
    shown = (fresh.seed, worst(fresh.lines), lines(tuple(fresh.lines), runs)) if fresh else None
    page = HandedIn(
        drill=it.one.number, title=it.one.title, learner=who, base=it.base, patch=it.patch, verdict=verdict,
        doubts=doubts, fresh=shown, parts=parts, runs=list(runs.values()),
        tries=sum(one.variant == ATTEMPT for one in tries),
        written=[path.name for path in written.paths], own=own, unjudged=unjudged,
    )  # fmt: skip
    made: list[Delivered] = []

    def about(files: Mapping[str, Entry]) -> bytes:
        made.append(Delivered(
            format=FORMAT, version=VERSION, drill=it.one.number, key=it.one.key, title=it.one.title, learner=who,
            base=it.base, written_at=now.isoformat(timespec="seconds"), revision=git_revision(), verdict=verdict,
            doubts=tuple(doubts), fresh_seed=fresh.seed if fresh else None,
            fresh=_part(*shown[1:]) if shown else None,
            parts={name: _part(*part) if part else None for name, part in parts.items()},
            tries=tuple(tries), own=own, unjudged=unjudged, files=dict(files), code=_code(it),
        ))  # fmt: skip
        return sealed(made[0])

    path = to / f"{pack.slug(who)}-drill-{it.one.number}-{now:%Y%m%d-%H%M%S}.zip"
    pack.pack(
        path,
        own={README: readme(page, written=f"{now:%Y-%m-%d}").encode(errors="replace"), PATCH: it.patch},
        written=written.paths,
        runs=[it.root / name for name in runs],
        about=about,
    )
    return made[0], path, written


def _runs(it: Ready, fresh: Fresh | None) -> dict[str, Ran]:
    """All that are packed, oldest first. Raises: InvalidInput."""
    names = set(it.checked.runs) if it.checked else set()
    new: set[str] = set()
    if fresh:
        new |= {Path(tried.folder).name for line in fresh.lines for tried in line.tries}
        new |= {folder.name for folder in (*fresh.before.values(), *fresh.shown)}
    require_whole([it.root / name for name in sorted(names | new)])
    known = it.checked.runs if it.checked else {}
    return {name: known.get(name) or ran(it.root / name) for name in sorted(names | new)}


def _fresh_runs(runs: Mapping[str, Ran], fresh: Fresh) -> list[Ran]:
    shown = [one for folder in fresh.shown if (one := runs[folder.name]).variant == ATTEMPT]
    return [*(runs[Path(tried.folder).name] for line in fresh.lines for tried in line.tries), *shown]


def _is_code(it: Ready, one: Ran) -> bool:
    """Whether that run was of the code that is handed in, as far as it kept its code."""
    return one.patch is not None and one.base == it.base and same_code(one.patch, it.patch)


def _verdict(it: Ready, fresh: Fresh | None, runs: Mapping[str, Ran]) -> tuple[Verdict, list[str]]:
    """The verdict of core and fresh seed together, and the reason for it."""
    if it.checked is None or fresh is None:
        return Verdict.INCONCLUSIVE, ["no machine has a key to imported code: a mentor reads it."]
    doubts = []
    found = [worst(fresh.lines)]
    core = it.checked.parts.get("core")
    if core is None:
        found.append(Verdict.INCONCLUSIVE)
        doubts.append(f"the core was never checked (firedrill check {it.one.number}).")
    elif any(not _is_code(it, runs[name]) for name in core.runs):
        found.append(Verdict.INCONCLUSIVE)
        doubts.append(
            f"the check of the core was of other code than this, or kept none (firedrill check {it.one.number} again)."
        )
    else:
        found.append(core.verdict)
    return max(found, key=SEVERITY.index), doubts


def _tries(it: Ready, runs: Mapping[str, Ran]) -> list[RunOf]:
    """Every run of the attempt in this drill, packed or not, and the packed ones of its base."""
    found = []
    for folder, document in documents(it.root):
        mine = document.drill == it.one.number and document.variant == ATTEMPT
        if not mine and folder.name not in runs:
            continue
        known = runs.get(folder.name)
        try:
            code = known.code if known else code_of(folder)
        except Unreadable:
            code = ""
        found.append(RunOf(
            run_id=folder.name, scenario=document.scenario, variant=document.variant, seed=document.seed,
            scale=document.scale, verdict=document.verdict, started_at=document.started_at,
            summary=document.summary[:2000], isolation=document.isolation,
            revision=known.revision if known else "", code=code, packed=known is not None,
        ))  # fmt: skip
    return found[-MOST_TRIES:]


def _unjudged(it: Ready) -> tuple[str, ...]:
    told = (it.checked.parts.values()) if it.checked else ()
    without = sorted({item.name for part in told for item in part.items if not item.tries})
    lines_ = [f"{name}: it has no run, so it stands as the learner's own lab told it." for name in without]
    return (UNJUDGED[it.one.number], *lines_, *ALWAYS)


def _part(verdict: str, found: Sequence[Line]) -> PartOf:
    return PartOf(
        verdict=Verdict(verdict),
        lines=tuple(
            LineOf(name=one.name, verdict=Verdict(one.verdict), reason=one.reason[:2000],
                   runs=tuple(its.run_id for its in one.runs))
            for one in found
        ),
    )  # fmt: skip


def _code(it: Ready) -> str:
    """As the scorecard knows it, see `chaos.drills.index`."""
    whose = b"" if it.base == NAIVE else it.base.encode() + b"\0"
    return hashlib.sha256(whose + it.patch).hexdigest()


def as_document(made: Delivered, path: Path) -> dict[str, object]:
    """For `--json`."""
    return {"zip": str(path), "bytes": path.stat().st_size, **msgspec.to_builtins(made)}
