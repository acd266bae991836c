"""Clock offsets from questions and answers."""

from __future__ import annotations

import random

from loadtests.clocks import Offset, best, measured, worst


def test_the_true_offset_is_within_the_error_whatever_the_ways_take() -> None:
    rng = random.Random(7)
    for _ in range(200):
        true_s, there_s, back_s = rng.uniform(-5, 5), rng.uniform(0, 0.2), rng.uniform(0, 0.2)
        sent_s = rng.uniform(0, 1e9)
        answered_s = sent_s + there_s - true_s  # this clock is ahead of the other by true_s
        offset = measured(sent_s=sent_s, answered_s=answered_s, received_s=sent_s + there_s + back_s)
        assert abs(offset.offset_s - true_s) <= offset.error_s + 1e-6
        assert offset.bound_s >= abs(true_s) - 1e-6


def test_the_shortest_round_trip_is_the_best() -> None:
    assert best([Offset(0.5, 0.3), Offset(0.01, 0.002), Offset(-0.1, 0.1)]) == Offset(0.01, 0.002)
    assert best([]) is None


def test_the_worst_allows_for_the_largest_distance() -> None:
    assert worst([Offset(0.01, 0.0), None, Offset(-0.02, 0.001)]) == Offset(-0.02, 0.001)
    assert worst([Offset(0.0, 0.5), Offset(0.1, 0.0)]) == Offset(0.0, 0.5)
    assert worst([None, None]) is None
