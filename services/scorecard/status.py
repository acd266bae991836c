"""What a score means. The status is derived from it, never entered; a sign is always shown with its word."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = ("Unfamiliar", "Assisted", "Independent", "Owner")
HIGHEST_SCORE = len(LEVELS) - 1


@dataclass(frozen=True, slots=True)
class Status:
    """A sign and the word that says the same."""

    sign: str
    word: str


_STATUSES = (
    Status("🔴", "Critical gap"),
    Status("🟡", "Needs guided practice"),
    Status("🟢", "Competent"),
    Status("🟢", "Owner"),
)


def status_of(value: int | None) -> Status | None:
    """The status of a score from 0 to 3; None while there is no score."""
    return None if value is None else _STATUSES[value]


def level_of(value: int | None) -> str | None:
    """The name of a score from 0 to 3; None while there is no score."""
    return None if value is None else LEVELS[value]
