from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.draws import Draws, Stream


@settings(deadline=None)
@given(st.integers(-(2**70), 2**70), st.integers(0, 2**40), st.sampled_from(Stream))
def test_draws_repeat_and_stay_in_range(seed: int, index: int, stream: Stream) -> None:
    first, again = Draws(seed, index, stream), Draws(seed, index, stream)
    for _ in range(5):
        value = first.unit()
        assert value == again.unit()
        assert 0 <= value < 1


@pytest.mark.parametrize(
    "series",
    [
        [Draws(7, index, Stream.JOURNEY).unit() for index in range(20_000)],
        [Draws(seed, 3, Stream.JOURNEY).unit() for seed in range(20_000)],
    ],
    ids=["along arrivals", "along seeds"],
)
def test_neighbours_are_spread_evenly_and_unrelated(series: list[float]) -> None:
    cells = Counter(int(value * 10) for value in series)
    assert all(abs(cells[cell] - 2000) < 6 * (2000 * 0.9) ** 0.5 for cell in range(10))
    pairs = [(a - 0.5) * (b - 0.5) for a, b in pairwise(series)]
    assert abs(sum(pairs) / len(pairs)) * 12 < 0.05


def test_streams_are_independent() -> None:
    mix = [Draws(7, index, Stream.MIX).unit() for index in range(5000)]
    journey = [Draws(7, index, Stream.JOURNEY).unit() for index in range(5000)]
    assert abs(sum((a - 0.5) * (b - 0.5) for a, b in zip(mix, journey, strict=True)) / 5000) * 12 < 0.06


def test_choice_reaches_every_item() -> None:
    draws = Draws(1, 1, Stream.JOURNEY)
    assert {draws.choice("abc") for _ in range(200)} == set("abc")
