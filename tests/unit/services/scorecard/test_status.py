"""What a score means."""

from __future__ import annotations

import pytest

from services.scorecard.status import Status, level_of, status_of


@pytest.mark.parametrize(
    ("value", "level", "status"),
    [
        (None, None, None),
        (0, "Unfamiliar", Status("🔴", "Critical gap")),
        (1, "Assisted", Status("🟡", "Needs guided practice")),
        (2, "Independent", Status("🟢", "Competent")),
        (3, "Owner", Status("🟢", "Owner")),
    ],
)
def test_status_and_level(value: int | None, level: str | None, status: Status | None) -> None:
    assert (level_of(value), status_of(value)) == (level, status)
