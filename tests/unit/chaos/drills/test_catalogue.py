import json

import pytest

from chaos.drills import catalogue
from chaos.drills.check import OWN_TESTS
from chaos.errors import InvalidInput, LabBroken
from chaos.load import all_scenarios, find_scenario, load_scenario, scenario_name
from chaos.scenario import DRILL_KEYS


def test_every_scenario_that_a_drill_names_exists():
    known = {scenario_name(path) for path in all_scenarios()}
    assert [problem for one in catalogue.drills() for problem in catalogue.missing(one, known)] == []


def test_races_have_to_stay_away_three_times_the_rest_holds_once():
    assert {one.key: one.holds for one in catalogue.drills() if one.holds > 1} == {"concurrency": 3}


def test_drill_3_begins_without_a_kill_and_ends_with_one():
    """A worker that dies keeps a run violated after the first right fix: seats are one thing, charges another."""
    core = [load_scenario(find_scenario(name)) for name in catalogue.drill("3").core]
    killed = [any(fault.kind == "kill" for fault in scenario.faults) for scenario in core]
    assert killed == sorted(killed)
    assert killed[-1]
    assert not core[0].faults


def test_an_unknown_name_is_a_problem_that_says_where():
    one = catalogue.Drill(key="auth", number=4, title="t", core=("auth/a",), stretch=("auth/b",))
    assert catalogue.missing(one, {"auth/a"}) == [
        "drills.json: drill 4: stretch: got 'auth/b', expected the name of a scenario"
    ]


def test_no_scenario_is_core_and_stretch_at_once_and_each_is_named_once():
    for one in catalogue.drills():
        named = [*one.core, *one.stretch]
        assert len(named) == len(set(named))


def test_the_keys_are_those_of_the_engine():
    assert {one.number: one.key for one in catalogue.drills()} == DRILL_KEYS
    assert set(OWN_TESTS) <= set(DRILL_KEYS.values())


@pytest.mark.parametrize("asked", ["3", "concurrency"])
def test_a_drill_by_number_or_key(asked):
    assert catalogue.drill(asked).key == "concurrency"


@pytest.mark.parametrize("asked", ["7", "", "Concurrency"])
def test_a_drill_that_cannot_be_checked(asked):
    with pytest.raises(InvalidInput, match=rf"^drill: got '{asked}', expected one of 1 \(api-contract\), 2 \(orm-"):
        catalogue.drill(asked)


@pytest.mark.parametrize("text", [None, "[]", '{"drills": [{"key": "x"}]}'])
def test_a_catalogue_that_cannot_be_read(tmp_path, text):
    path = tmp_path / "drills.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(LabBroken, match=r"drills.json: got .*, expected the catalogue of drills"):
        catalogue.drills(path)


def test_it_is_read_as_the_file_says(tmp_path):
    path = tmp_path / "drills.json"
    path.write_text(json.dumps({"drills": [{"key": "b", "number": 2, "title": "B", "core": ["x/y"], "other": 1}]}))
    (one,) = catalogue.drills(path)
    assert (one.core, one.stretch, one.part("core")) == (("x/y",), (), ("x/y",))
