from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests import histogram

durations = st.lists(st.floats(1e-6, 59.0), min_size=1, max_size=200)
KEY = ("spike", "buy", "ok", "latency")


def recorded(values: list[float]) -> histogram.Durations:
    durations = histogram.Durations()
    for value in values:
        durations.record(value)
    return durations


def filled(values: list[float]) -> object:
    return recorded(values).histogram()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(histogram.LOWEST_US, histogram.HIGHEST_US), max_size=200))
def test_durations_become_the_histogram_that_would_have_recorded_each(values_us: list[int]) -> None:
    direct = histogram.new()
    for value_us in values_us:
        direct.record_value(value_us)
    assert histogram.cell(KEY, filled([value_us / 1e6 for value_us in values_us])) == histogram.cell(KEY, direct)


def test_a_long_run_keeps_no_more_values_than_the_histogram_tells_apart() -> None:
    durations = recorded([value_us / 1e6 for value_us in range(1, 200_000)])
    assert len(durations.counts) < 10_000
    assert sum(durations.counts.values()) == 199_999


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
    parts = [*histogram.encoded({KEY: recorded(first)}), *histogram.encoded({KEY: recorded(second)})]
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
