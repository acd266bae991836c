"""The timetable: phases end to end, faults on the same clock, and nothing but scenario, seed and scale in it."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from chaos.load import parse_scenario
from chaos.model.faults import ExpectedFault
from chaos.model.loadplan import PlanPhase
from chaos.model.span import Span
from chaos.plan import judged, plan
from tests.unit.chaos.scenarios import WHERE, bent, good


def test_phases_lie_end_to_end() -> None:
    timetable = plan(good())
    assert timetable.phases == (
        PlanPhase(
            name="calm",
            start_s=0.0,
            duration_s=8.0,
            rate_from_per_s=12.0,
            rate_to_per_s=12.0,
            mix={"browse": 8, "buy": 2},
        ),
        PlanPhase(
            name="spike",
            start_s=8.0,
            duration_s=12.0,
            rate_from_per_s=12.0,
            rate_to_per_s=50.0,
            mix={"browse": 2, "buy": 8},
        ),
        PlanPhase(
            name="after",
            start_s=20.0,
            duration_s=8.0,
            rate_from_per_s=12.0,
            rate_to_per_s=12.0,
            mix={"browse": 8, "buy": 2},
        ),
    )
    assert timetable.ends_s == 28.0


def test_faults_are_on_the_load_s_clock() -> None:
    latency, kill = plan(good()).faults
    assert (latency.spec.id, latency.inject_s, latency.lift_s, latency.trigger) == (
        "1-latency-shop_to_gateway",
        10.0,
        16.0,
        None,
    )
    assert (kill.spec.id, kill.inject_s, kill.lift_s, kill.trigger) == (
        "2-kill-worker",
        11.0,
        None,
        "charge_in_flight",
    )


def test_faults_are_in_the_order_of_their_moments_and_keep_their_ids() -> None:
    text = bent(("from: spike+2s", "from: spike+5s"))
    assert [fault.spec.id for fault in plan(parse_scenario(text, name="x", where=WHERE)).faults] == [
        "2-kill-worker",
        "1-latency-shop_to_gateway",
    ]


def test_a_fixed_moment_has_no_trigger() -> None:
    text = bent(("when: charge_in_flight, after: spike+3s", "at: spike+3500ms"))
    kill = plan(parse_scenario(text, name="x", where=WHERE)).faults[1]
    assert (kill.inject_s, kill.trigger) == (11.5, None)


def test_scale_multiplies_rates_and_nothing_else() -> None:
    once, twice = plan(good()), plan(good(), scale=2.0)
    assert [(p.rate_from_per_s, p.rate_to_per_s) for p in twice.phases] == [(24.0, 24.0), (24.0, 100.0), (24.0, 24.0)]
    assert [(p.name, p.start_s, p.duration_s, p.mix) for p in twice.phases] == [
        (p.name, p.start_s, p.duration_s, p.mix) for p in once.phases
    ]
    assert twice.faults == once.faults
    assert (once.scale, twice.scale) == (1.0, 2.0)


def test_the_seed_is_the_file_s_unless_another_is_asked_for() -> None:
    assert plan(good()).seed == 7
    assert plan(good(), seed=9).seed == 9
    assert plan(good(), seed=0).seed == 0


@given(seed=st.none() | st.integers(0, 2**31 - 1), scale=st.floats(0.05, 1000))
def test_planning_is_pure(seed: int | None, scale: float) -> None:
    scenario = good()
    before = copy.deepcopy(scenario.load)
    assert plan(scenario, seed=seed, scale=scale) == plan(scenario, seed=seed, scale=scale)
    assert scenario.load == before


def test_a_plan_can_t_change_its_scenario() -> None:
    scenario = good()
    plan(scenario).phases[0].mix["browse"] = 99
    assert scenario.load[0].mix == {"browse": 8, "buy": 2}


def test_what_is_judged() -> None:
    scenario = good()
    part = judged(scenario, plan(scenario))
    assert part.phases == (
        Span(name="calm", start_s=0.0, end_s=8.0),
        Span(name="spike", start_s=8.0, end_s=20.0),
        Span(name="after", start_s=20.0, end_s=28.0),
    )
    assert part.faults == (
        ExpectedFault(id="1-latency-shop_to_gateway", kind="latency", on="shop_to_gateway", exposed_at_least=1),
        ExpectedFault(id="2-kill-worker", kind="kill", on="worker", exposed_at_least=1),
    )
    assert part.checks == scenario.checks
    assert part.steady_state == scenario.steady_state
    assert part.guardrails == scenario.guardrails
