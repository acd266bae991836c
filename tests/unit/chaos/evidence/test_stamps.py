"""What is newest, also where a clock was ahead once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from chaos.evidence.growing import run_ids
from chaos.evidence.newest import newest
from chaos.evidence.stamps import oldest_first, stamp
from chaos.evidence.writing import folders
from tests.unit.chaos.evidence.test_newest import left

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
AHEAD, EARLIER, LATER = "20271129-120000-a", "20261129-110000-c", "20261129-115959-b"


def test_what_was_named_while_the_clock_was_ahead_is_the_oldest() -> None:
    assert oldest_first([LATER, AHEAD, EARLIER], now=lambda: NOW) == [AHEAD, EARLIER, LATER]
    assert oldest_first([AHEAD, LATER], now=lambda: NOW + timedelta(days=400)) == [LATER, AHEAD]


def test_names_without_a_time_keep_their_place() -> None:
    assert oldest_first(["99999999", LATER, "attempt-1"], now=lambda: NOW) == [LATER, "99999999", "attempt-1"]


def test_every_reader_of_the_evidence_agrees(tmp_path: Path) -> None:
    ahead = datetime.now(UTC) + timedelta(days=30)
    names = [f"{stamp(when.timestamp())}-x-attempt-s1" for when in (ahead, NOW - timedelta(days=2))]
    for name in names:
        left(tmp_path, name, "x", "attempt")
    assert [folder.name for folder in folders(tmp_path)] == names
    assert run_ids(tmp_path) == names[::-1]
    found = newest(tmp_path)
    assert found is not None
    assert found.run_id == names[1]
