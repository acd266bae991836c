"""Drill 3's deliverable: the code that stays safe under concurrent access, its protections, and what showed it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chaos.drills.deliverables import parts
from chaos.drills.deliverables.work import ATTEMPT, Work, Written
from chaos.drills.drafts import base_in
from chaos.evidence.newest import Ended, ended
from chaos.files import write_atomic
from chaos.model.verdict import Verdict
from chaos.report.markdown import code, table


def write(to: Path, work: Work) -> Written:
    """`concurrency.md`. Raises: OSError."""
    path = to / "concurrency.md"
    write_atomic(path, parts.document(_lines(work)))
    return Written(paths=[path])


def _lines(work: Work) -> Iterator[str]:
    yield from parts.head(work, "safe under concurrent access")
    yield from parts.changed(work)
    yield from parts.words(work)
    yield from _before(work)
    yield from parts.shown(work)
    yield from parts.diff(work)


def _before(work: Work) -> Iterator[str]:
    """The oldest violated run of each scenario of the core, on an attempt of the same base."""
    yield from ("", "## What it violated before")
    rows = []
    for line in work.fresh.lines if work.fresh else ():
        found = [run for run in ended(work.root, scenario=line.name, variant=ATTEMPT) if _is_before(run, work)]
        rows += [(line.name, code(run.run_id), str(run.seed), run.summary) for run in found[-1:]]
    if not rows:
        yield from ("", "No run of the attempt was violated before the fresh seed.")
        return
    yield from table(("what", "run", "seed", "what was found"), rows)


def _is_before(run: Ended, work: Work) -> bool:
    fresh = work.fresh.seed if work.fresh else None
    return run.verdict == Verdict.VIOLATED and run.seed != fresh and base_in(run.versions) == work.base
