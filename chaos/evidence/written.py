"""Reads what the learner wrote and a run grades, as it stood when the run began, with the key that it is graded by."""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypeVar

from chaos.evidence.files import MIB, Unreadable, decoded, lines
from chaos.model.audit import Audited
from chaos.model.grading import Reviewed

MOST_WRITTEN_BYTES: Final = 4 * MIB
_T = TypeVar("_T", Reviewed, Audited)


def read_review(path: Path) -> Reviewed:
    """Notes on a sample of drill 6. Raises: Unreadable."""
    return _only(path, Reviewed)


def read_audit(path: Path) -> Audited:
    """A list and a contract of drill 1. Raises: Unreadable."""
    return _only(path, Audited)


def _only(path: Path, type_: type[_T]) -> _T:
    found = [decoded(line, type_, where=path.name) for line in lines(path, most=MOST_WRITTEN_BYTES)]
    if len(found) != 1:
        raise Unreadable(f"{path.name}: got {len(found)} lines, expected one")
    return found[0]
