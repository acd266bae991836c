"""What two clocks that are read together say about a machine."""

import math

import pytest

from chaos.adapters.clock import SystemClock
from chaos.model.clocks import ClockReading, disturbances


def reading(second, *, wall=0.0, slept=0.0):
    return ClockReading(steady_s=100.0 + second, unix_s=1000.0 + second + wall, slept_s=slept)


def kinds(*readings, distance_s=900.0):
    return [(found.kind, round(found.by_s, 3)) for found in disturbances(readings, distance_s=distance_s)]


def test_clocks_that_keep_their_distance():
    assert kinds(*(reading(second) for second in range(60))) == []
    assert kinds() == []


@pytest.mark.parametrize("by_s", [-4.0, 30.0, 0.021, -0.021])
def test_a_step_is_told_once(by_s):
    assert kinds(reading(0), reading(1, wall=by_s), reading(2, wall=by_s)) == [("set", round(by_s, 3))]


@pytest.mark.parametrize("by_s", [0.019, -0.019])
def test_what_a_scheduler_does_between_two_readings_is_no_step(by_s):
    assert kinds(reading(0), reading(1, wall=by_s), reading(2)) == []


def test_a_clock_that_is_off_by_now_was_set_before():
    """Against the pair by which witnesses' times are mapped, not against the reading before."""
    assert kinds(reading(0, wall=4.0), reading(1, wall=4.0), distance_s=900.0) == [("set", 4.0)]
    assert kinds(reading(0, wall=4.0), reading(1, wall=4.0), distance_s=None) == []


def test_sleep_and_a_step_are_two_things():
    assert kinds(reading(0), reading(1, wall=30.0, slept=30.0)) == [("slept", 30.0)]
    assert kinds(reading(0), reading(1, wall=26.0, slept=30.0)) == [("slept", 30.0), ("set", -4.0)]


def test_a_clock_that_does_not_know_of_sleep_takes_it_for_a_step():
    assert kinds(reading(0, slept=None), reading(1, wall=30.0, slept=None)) == [("set", 30.0)]


def test_a_reading_that_came_too_late():
    assert kinds(reading(0), reading(1.9), reading(5.2)) == [("stood_still", 3.3)]


def test_no_number_is_no_clock():
    assert [kind for kind, _ in kinds(reading(0), reading(1, wall=math.nan))] == ["set"]


def test_the_real_clocks_agree():
    clock = SystemClock()
    found = [clock.reading() for _ in range(20)]
    assert not list(disturbances(found, distance_s=None))
    assert abs(clock.steady_s(clock.now_unix_s()) - found[-1].steady_s) < 60


def test_a_clock_goes_on_when_the_wall_clock_is_set(monkeypatch):
    clock = SystemClock()
    before = clock.now_unix_s()
    monkeypatch.setattr("time.time", lambda: 4.0)
    assert 0 <= clock.now_unix_s() - before < 60
    assert clock.reading().unix_s == 4.0
