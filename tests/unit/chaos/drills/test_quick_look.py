"""Scenarios cut down to what a look needs: what is left out is told, and never what a check rests on."""

from __future__ import annotations

import pytest

from chaos.checks import SloCheck
from chaos.drills.catalogue import drills
from chaos.drills.latest import Latest
from chaos.drills.quick_look import cut
from chaos.load import find_scenario, load_scenario
from chaos.model.verdict import Finding, FindingKind, Verdict
from chaos.plan import plan
from chaos.scenario import Scenario

ALL = [name for one in drills() for name in (*one.core, *one.stretch)]


def of(name: str) -> Scenario:
    return load_scenario(find_scenario(name))


def failed(scenario: str, *checks: str, examples: tuple[str, ...] = ()) -> Latest:
    findings = tuple(
        Finding(check=check, kind=FindingKind.INVARIANT, verdict=Verdict.VIOLATED, expected="", examples=examples)
        for check in checks
    )
    return Latest(
        name="run", scenario=scenario, seed=1, verdict=Verdict.VIOLATED, started_at="", summary="", advice="",
        failed=findings,
    )  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_every_scenario_of_a_drill_can_be_cut_to_each_of_its_checks(name: str) -> None:
    scenario = of(name)
    for check in scenario.checks:
        found = cut(scenario, failed(name, check.id))
        ids = {each.id for each in found.scenario.checks}
        assert check.id in ids
        assert found.scenario.name == f"watch-{scenario.slug}"
        assert found.scenario.faults == scenario.faults
        assert found.scenario.world == scenario.world
        if gone := len(scenario.checks) - len(ids):
            assert found.left_out[0] == f"{gone} of {len(scenario.checks)} checks"


@pytest.mark.parametrize("name", ALL)
def test_a_phase_with_a_fault_and_one_that_is_judged_stay_whole(name: str) -> None:
    scenario = of(name)
    planned = plan(scenario, seed=1, scale=1.0)
    for check in scenario.checks:
        short = {phase.name: phase.duration_s for phase in cut(scenario, failed(name, check.id)).scenario.load}
        for phase, span in zip(scenario.load, planned.phases, strict=True):
            faulty = any(span.start_s <= fault.inject_s < span.start_s + span.duration_s for fault in planned.faults)
            judged = isinstance(check, SloCheck) and check.use.phase == phase.name
            assert short[phase.name] == phase.duration_s or not (faulty or judged)


@pytest.mark.parametrize("name", ALL)
def test_before_a_fault_there_is_enough_to_tell_the_steady_state(name: str) -> None:
    """Seen: three seconds with five of an operation each were too few for a share, and the look was aborted."""
    scenario = of(name)
    for check in scenario.checks:
        made = cut(scenario, failed(name, check.id)).scenario
        if not made.load or made.load[0].duration_s == scenario.load[0].duration_s:
            continue
        phase = made.load[0]
        arrivals = phase.duration_s * (phase.rate_from_per_s + phase.rate_to_per_s) / 2
        for use in made.steady_state:
            expected = arrivals * phase.mix.get(use.params.op or "", sum(phase.mix.values())) / sum(phase.mix.values())
            assert expected >= 30, (check.id, use.label)


def test_an_outage_is_looked_at_in_less_time() -> None:
    scenario = of("failure/database-down")
    found = cut(scenario, failed(scenario.name, "slo:success_ratio[outage,browse]"))
    assert [phase.duration_s for phase in found.scenario.load] == [6, 8, 1]
    assert found.scenario.settle_s == 1
    assert found.left_out == ("12 of 17 checks", "9 of 24 s of load, before and after the fault")
    recovery = cut(scenario, failed(scenario.name, "recovers_within"))
    assert recovery.scenario.load[-1].duration_s == 9
    lost = cut(scenario, failed(scenario.name, "no_lost_orders"))
    assert lost.scenario.settle_s == scenario.settle_s


def test_partners_stay() -> None:
    found = cut(of("interleaving/last-seats"), failed("interleaving/last-seats", "no_oversell"))
    ids = [check.id for check in found.scenario.checks]
    assert ids[:3] == ["no_oversell", "served_when_calm", "schedules_were_forced"]


def test_sections_by_the_examples() -> None:
    scenario = of("queries/reads")
    found = cut(scenario, failed(scenario.name, "queries_do_not_grow", examples=("reads-3", "reads-10")))
    assert [section.name for section in found.scenario.exchanges] == ["reads"]
    assert found.scenario.exchanges[0].params.ids == ("reads-3", "reads-10")  # type: ignore[attr-defined]
    assert found.left_out[1:] == (
        "change, orders, writes of its sections",
        "the requests of reads that 2 examples do not need",
    )
    assert found.scenario.settle_s == 1
    without = cut(scenario, failed(scenario.name, "queries_do_not_grow"))
    assert len(without.scenario.exchanges) == 4


def test_a_section_whose_answers_another_one_uses_is_sent_whole() -> None:
    scenario = of("queries/reads")
    found = cut(scenario, failed(scenario.name, "queries_at_most", examples=("writes-2",)))
    assert [(section.name, section.params.ids) for section in found.scenario.exchanges] == [  # type: ignore[attr-defined]
        ("orders", ()),
        ("writes", ("writes-2",)),
    ]


def test_nothing_failed_nothing_is_left_out_but_time() -> None:
    scenario = of("interleaving/same-key")
    found = cut(scenario, None)
    assert found.left_out == ()
    assert [check.id for check in found.scenario.checks] == [check.id for check in scenario.checks]
    assert found.scenario.settle_s == scenario.settle_s
