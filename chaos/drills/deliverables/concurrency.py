"""Drill 3's deliverable: the code that stays safe under concurrent access, its protections, and what showed it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chaos.drills.deliverables import parts
from chaos.drills.deliverables.work import Work, Written
from chaos.files import write_atomic


def write(to: Path, work: Work) -> Written:
    """`concurrency.md`. Raises: OSError."""
    path = to / "concurrency.md"
    write_atomic(path, parts.document(_lines(work)))
    return Written(paths=[path])


def _lines(work: Work) -> Iterator[str]:
    yield from parts.head(work, "safe under concurrent access")
    yield from parts.changed(work)
    yield from parts.words(work)
    yield from parts.shown(work)
    yield from parts.diff(work)
