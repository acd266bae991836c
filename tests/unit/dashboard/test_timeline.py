from __future__ import annotations

import pytest

from dashboard import timeline
from dashboard.evidence import Second


def seconds() -> dict[int, Second]:
    return {
        0: Second(offered=10, served=9, errors=1, latencies_s=[0.1] * 9 + [2.0]),
        2: Second(offered=4, served=0, errors=4, latencies_s=[]),
    }


def lines(found: timeline.Timeline) -> dict[str, tuple[float | None, ...]]:
    return {line.name: line.values for line in found.lines}


def test_a_history_becomes_lines_and_a_silent_second_is_a_zero_or_a_gap() -> None:
    found = timeline.from_history(seconds())
    assert lines(found) == {
        "offered": (10, 0, 4), "served": (9, 0, 0), "errors": (1, 0, 4),
        "p50": (0.1, None, None), "p95": (2.0, None, None),
    }  # fmt: skip
    assert {line.times_s for line in found.lines} == {(0.0, 1.0, 2.0)}
    assert not found.empty


def test_the_second_that_is_not_over_is_left_out() -> None:
    assert lines(timeline.from_history(seconds(), until_s=2.4))["offered"] == (10, 0)


def test_nothing_is_empty() -> None:
    assert timeline.from_history({}).empty
    assert timeline.totals({}) == timeline.Totals(offered=0, served=0, errors=0, p95_s=None)


def test_totals_add_up() -> None:
    assert timeline.totals(seconds()) == timeline.Totals(offered=14, served=9, errors=5, p95_s=2.0)


@pytest.mark.parametrize(("quantile", "expected"), [(0.0, 1.0), (0.5, 2.0), (0.75, 3.0), (0.76, 4.0), (1.0, 4.0)])
def test_nearest_rank(quantile: float, expected: float) -> None:
    assert timeline.nearest_rank([4.0, 1.0, 3.0, 2.0], quantile) == expected
