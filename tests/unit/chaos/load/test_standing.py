"""What is checked in every run, and that no scenario can be passed by a shop that is of no use."""

from __future__ import annotations

import pytest

from chaos.load import all_scenarios, load_scenario, scenario_name
from chaos.scenario import Scenario

SCENARIOS = [load_scenario(path) for path in all_scenarios() if path.parent.name != "own"]
SELLING = frozenset({"buy", "buy_and_cancel", "resubmit"})


def mixed(scenario: Scenario) -> set[str]:
    return {op for phase in scenario.load for op, weight in phase.mix.items() if weight}


def ids(scenario: Scenario) -> set[str]:
    return {check.id for check in scenario.checks}


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) >= 25
    assert {scenario_name(path) for path in all_scenarios()} >= {"failure/database-down"}


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.load], ids=lambda scenario: scenario.name)
def test_answers_and_views_are_held_against_the_world_in_every_run(scenario: Scenario) -> None:
    assert {"answers_match_the_world", "views_tell_the_truth"} <= ids(scenario)
    assert mixed(scenario).isdisjoint(SELLING) or "no_false_refusal" in ids(scenario)


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.drill == 5], ids=lambda scenario: scenario.name)
def test_drill_5_has_its_liveness_partners(scenario: Scenario) -> None:
    assert {"served_when_calm", "enough_accepted", "no_false_refusal"} <= ids(scenario)


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.drill == 3], ids=lambda scenario: scenario.name)
def test_drill_3_asks_whether_anything_is_sold(scenario: Scenario) -> None:
    assert "served_when_calm" in ids(scenario)
