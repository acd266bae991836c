from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chaos.model.loadplan import PlanPhase
from loadtests.arrivals import KINDS, Mix, arrival_times, expected_count, phase_at, shard, time_of

rates = st.one_of(st.just(0.0), st.floats(0.01, 500.0))
kinds = st.sampled_from(KINDS)


@st.composite
def phase_lists(draw: st.DrawFn) -> list[PlanPhase]:
    phases, at_s = [], 0.0
    for number in range(draw(st.integers(1, 4))):
        at_s += draw(st.sampled_from([0.0, 0.0, 1.5]))
        duration_s = draw(st.floats(0.1, 5.0))
        phases.append(
            PlanPhase(
                name=f"p{number}",
                start_s=at_s,
                duration_s=duration_s,
                rate_from_per_s=draw(rates),
                rate_to_per_s=draw(rates),
                mix={"browse": 3, "buy": 1},
            )
        )
        at_s += duration_s
    return phases


def one_phase(rate_from: float, rate_to: float, duration_s: float = 10.0) -> PlanPhase:
    return PlanPhase(
        name="p",
        start_s=0.0,
        duration_s=duration_s,
        rate_from_per_s=rate_from,
        rate_to_per_s=rate_to,
        mix={"browse": 1},
    )


@settings(deadline=None)
@given(rates, rates, st.floats(0.1, 3600.0), st.floats(0.0, 1.0))
def test_time_of_inverts_the_integrated_rate(rate_from: float, rate_to: float, duration_s: float, share: float) -> None:
    phase = one_phase(rate_from, rate_to, duration_s)
    count = share * expected_count(phase)
    assume(count > 0)
    assert expected_count(phase, time_of(phase, count)) == pytest.approx(count, rel=1e-6)


def test_a_rate_that_hardly_changes_keeps_its_digits() -> None:
    assert time_of(one_phase(50.0, 50.0 + 1e-12), 123.0) == pytest.approx(2.46, abs=1e-12)


@settings(deadline=None)
@given(phase_lists(), st.integers(0, 2**40), kinds)
def test_times_rise_and_lie_in_their_phase(phases: list[PlanPhase], seed: int, kind: str) -> None:
    found = list(arrival_times(phases, seed=seed, kind=kind))
    assert all(a[0] <= b[0] for a, b in pairwise(found))
    for at_s, number in found:
        phase = phases[number]
        assert phase.start_s <= at_s <= phase.start_s + phase.duration_s
        assert phase_at(phases, math.nextafter(at_s, 0.0)) <= number


@settings(deadline=None)
@given(phase_lists(), st.integers(0, 2**40))
def test_uniform_arrivals_follow_the_integrated_rate_everywhere(phases: list[PlanPhase], seed: int) -> None:
    found = [at_s for at_s, _ in arrival_times(phases, seed=seed, kind="uniform")]

    def integrated(at_s: float) -> float:
        return sum(expected_count(phase, at_s - phase.start_s) for phase in phases)

    for number, at_s in enumerate(found):
        assert number - 1e-6 <= integrated(at_s) <= number + 1 + 1e-6
    total = integrated(math.inf)
    assert math.floor(total) <= len(found) <= math.ceil(total)


@settings(deadline=None)
@given(phase_lists(), st.integers(0, 2**40))
def test_poisson_counts_are_near_their_mean(phases: list[PlanPhase], seed: int) -> None:
    counts = Counter(number for _, number in arrival_times(phases, seed=seed, kind="poisson"))
    for number, phase in enumerate(phases):
        mean = expected_count(phase)
        assert abs(counts[number] - mean) <= 8 * math.sqrt(mean) + 12


def test_poisson_scatters_and_uniform_does_not() -> None:
    """Variance over mean of the counts per second is 1 for a Poisson process."""

    def dispersion(kind: str) -> float:
        phase = one_phase(20.0, 20.0, 1000.0)
        counts = Counter(int(at_s) for at_s, _ in arrival_times([phase], seed=3, kind=kind))
        values = [counts[second] for second in range(1000)]
        mean = sum(values) / len(values)
        return sum((value - mean) ** 2 for value in values) / len(values) / mean

    assert dispersion("poisson") == pytest.approx(1.0, abs=0.2)
    assert dispersion("uniform") < 0.05


def test_a_ramp_has_its_arrivals_where_its_rate_is() -> None:
    found = [at_s for at_s, _ in arrival_times([one_phase(0.0, 100.0)], seed=1, kind="uniform")]
    assert len(found) == pytest.approx(500, abs=1)
    assert sum(1 for at_s in found if at_s < 5) == pytest.approx(125, abs=1)


@settings(deadline=None)
@given(phase_lists(), st.integers(0, 1000), kinds, st.integers(1, 5))
def test_shards_together_are_the_whole(phases: list[PlanPhase], seed: int, kind: str, workers: int) -> None:
    def rows(worker: int, of: int) -> list[tuple[float, ...]]:
        share = shard(phases, seed=seed, kind=kind, worker=worker, workers=of)
        return list(zip(share.index, share.intended_s, share.phases, share.ops, strict=True))

    whole = rows(0, 1)
    assert sorted(row for worker in range(workers) for row in rows(worker, workers)) == whole
    sizes = [len(rows(worker, workers)) for worker in range(workers)]
    assert max(sizes) - min(sizes) <= 1


def test_seeds_differ_and_repeat() -> None:
    phases = [one_phase(10.0, 20.0)]
    first, again, other = (list(arrival_times(phases, seed=seed, kind="poisson")) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_mix_keeps_its_shares_and_ignores_the_order_in_the_file() -> None:
    names = ("browse", "buy", "login")
    mix, turned = Mix({"browse": 2, "buy": 7, "login": 1}, names), Mix({"login": 1, "buy": 7, "browse": 2}, names)
    draws = [n / 10_000 for n in range(10_000)]
    picked = [mix.pick(draw) for draw in draws]
    assert picked == [turned.pick(draw) for draw in draws]
    assert Counter(picked) == {0: 2000, 1: 7000, 2: 1000}


def test_a_weight_of_zero_is_never_picked() -> None:
    mix = Mix({"browse": 0, "buy": 1}, ("browse", "buy"))
    assert {mix.pick(n / 100) for n in range(100)} == {1}


def test_a_time_between_phases_belongs_to_the_one_before() -> None:
    phases = [
        one_phase(1, 1),
        PlanPhase(name="q", start_s=20, duration_s=5, rate_from_per_s=1, rate_to_per_s=1, mix={}),
    ]
    assert [phase_at(phases, at_s) for at_s in (-1.0, 0.0, 9.9, 15.0, 20.0, 24.0, 99.0)] == [0, 0, 0, 0, 1, 1, 1]
