"""How much of what a learner added stands in `hardened` too: for a conversation, never for a verdict.

Only lines of two words or more count; those that `naive` has, too, do not. Copying, or arriving at the same idiom,
look alike here: a row lock in Django is spelled in one way.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chaos.drills.attempt import SHOP
from chaos.model.patch import changes, telling

LEAST_LINES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """*shared* of *added* lines stand in `hardened`; None of both where too few were added to say anything."""

    shared: int
    added: int

    @property
    def text(self) -> str:
        """In words."""
        if self.added < LEAST_LINES:
            return f"{self.added} telling lines added: too few to compare"
        return f"{self.shared} of {self.added} added lines ({self.shared / self.added:.0%}) stand in hardened too"


def similarity(patch: bytes, shop: Path = SHOP) -> Similarity:
    """Of the code in *patch*."""
    reference = _lines(shop / "hardened") - _lines(shop / "naive")
    added = telling([line for change in changes(patch) for _, line in change.added])
    return Similarity(shared=sum(line in reference for line in added), added=len(added))


def _lines(variant: Path) -> set[str]:
    found: set[str] = set()
    for path in variant.rglob("*.py"):
        found.update(telling(path.read_text("utf-8", errors="replace").split("\n")))
    return found
