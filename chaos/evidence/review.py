"""Reads a review of a sample as it stood when its run began: the notes, and the key that they are graded by."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from chaos.evidence.files import MIB, Unreadable, decoded, lines
from chaos.model.grading import Reviewed

MOST_REVIEW_BYTES: Final = 4 * MIB


def read_review(path: Path) -> Reviewed:
    """Raises: Unreadable."""
    found = [decoded(line, Reviewed, where=path.name) for line in lines(path, most=MOST_REVIEW_BYTES)]
    if len(found) != 1:
        raise Unreadable(f"{path.name}: got {len(found)} reviews, expected one")
    return found[0]
