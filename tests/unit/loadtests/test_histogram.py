from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests import histogram

durations = st.lists(st.floats(1e-6, 59.0), min_size=1, max_size=200)
KEY = ("spike", "buy", "ok", "latency")


def filled(values: list[float]) -> object:
    found = histogram.new()
    for value in values:
        histogram.record(found, value)
    return found


@settings(deadline=None, max_examples=40)
@given(durations)
def test_quantiles_are_within_a_thousandth(values: list[float]) -> None:
    cell = histogram.cell(KEY, filled(values))
    values = sorted(values)
    for name, percentile in histogram.QUANTILES.items():
        exact = values[max(int(percentile * len(values) / 100 + 0.5), 1) - 1]
        assert cell.quantiles_ms[name] == pytest.approx(exact * 1000, rel=0.0011, abs=0.0011)
    assert cell.count == len(values)
    assert cell.max_ms == pytest.approx(values[-1] * 1000, rel=0.0011, abs=0.0011)


@settings(deadline=None, max_examples=40)
@given(durations, durations)
def test_merged_workers_are_one_histogram(first: list[float], second: list[float]) -> None:
    parts = [*histogram.encoded({KEY: filled(first)}), *histogram.encoded({KEY: filled(second)})]
    merged = histogram.cell(KEY, histogram.merged(parts)[KEY])
    whole = histogram.cell(KEY, filled(first + second))
    assert (merged.count, merged.quantiles_ms, merged.max_ms) == (whole.count, whole.quantiles_ms, whole.max_ms)


def test_nothing_is_lost_outside_the_range() -> None:
    found = filled([0.0, 1e-9, 59.9, 61.0, 3600.0])
    assert found.total_count == 5  # type: ignore[attr-defined]
    assert histogram.cell(KEY, found).max_ms == pytest.approx(60_000, rel=0.001)


def test_an_empty_histogram_has_zeros() -> None:
    document = histogram.document({})
    assert document.cells == []
    assert document.send_lag.count == 0
    assert document.send_lag.quantiles_ms["p99_ms"] == 0
    assert histogram.quantile_s(histogram.new(), 99) == 0
