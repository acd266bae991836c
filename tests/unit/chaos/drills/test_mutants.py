"""Headers of mutants: what they must say, and that scenarios say the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chaos.drills.mutants import Mutant, checked_mutants, chosen, disagreements, load_mutants, variants
from chaos.errors import InvalidInput
from chaos.load import parse_scenario
from chaos.scenario import Scenario
from tests.unit.chaos.scenarios import GOOD, WHERE

HEADER = """\
title: Checked, then taken
drill: 3
flaw: check-then-act
caught by: no_oversell
scenario: own/small

Why: colons are free down here.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mutants").mkdir()
    (tmp_path / "mutants" / "one.patch").write_text(HEADER)
    return tmp_path / "mutants"


def scenario(*mutants: str, name: str = "own/small") -> Scenario:
    return parse_scenario(GOOD + f"  mutants: [{', '.join(mutants)}]\n", name=name, where=WHERE)


def test_what_ships_agrees() -> None:
    mutants, scenarios = checked_mutants()
    assert {mutant.scenario for mutant in mutants} <= set(scenarios)


def test_a_header_is_read(folder: Path) -> None:
    [mutant] = load_mutants(folder)
    assert (mutant.name, mutant.variant, mutant.drill) == ("one", "mutant_one", 3)
    assert (mutant.title, mutant.flaw) == ("Checked, then taken", "check-then-act")
    assert (mutant.check, mutant.scenario) == ("no_oversell", "own/small")
    assert variants(folder) == ["mutant_one"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("drill: 3\n", "", "one.patch: got no drill, expected it in the header"),
        ("drill: 3", "drill: 9", "one.patch: drill: got '9', expected 1 to 6"),
        ("drill: 3", "dril: 3", "one.patch:2: got 'dril: 3', expected one of title, drill"),
        ("drill: 3", "title: Twice", "one.patch:2: got 'title: Twice', expected one of title, drill"),
        ("flaw: check-then-act", "flaw:", "one.patch:3: got 'flaw:', expected one of title, drill"),
    ],
)
def test_a_header_that_is_wrong(folder: Path, old: str, new: str, problem: str) -> None:
    (folder / "one.patch").write_text(HEADER.replace(old, new))
    with pytest.raises(InvalidInput) as caught:
        load_mutants(folder)
    assert any(problem in said for said in caught.value.problems)


def test_a_name_that_is_too_long_for_a_variant(folder: Path) -> None:
    (folder / f"{'x' * 26}.patch").write_text(HEADER)
    with pytest.raises(InvalidInput, match="expected at most 25 of a-z, 0-9 and _"):
        load_mutants(folder)


def test_headers_and_scenarios_that_agree(folder: Path) -> None:
    assert list(disagreements(load_mutants(folder), [scenario("one")])) == []


def test_each_way_to_disagree(folder: Path) -> None:
    [one] = load_mutants(folder)

    def said(mutant: Mutant, *scenarios: Scenario) -> str:
        return "\n".join(disagreements([mutant], scenarios))

    assert "scenario: got 'own/none', expected one of own/small" in said(replace(one, scenario="own/none"), scenario())
    assert "caught by: got 'no_overselling', expected a check of own/small: no_oversell, slo:" in said(
        replace(one, check="no_overselling"), scenario("one")
    )
    assert "own/small: proves: mutants: got no one, expected it" in said(one, scenario())
    assert "own/small: proves: mutants: got 'two', expected one of one" in said(one, scenario("one", "two"))
    assert "own/other: proves: mutants: got one, expected none that is caught by own/small" in said(
        one, scenario("one"), scenario("one", name="own/other")
    )


def test_choosing(folder: Path) -> None:
    [one] = load_mutants(folder)
    many = [replace(one, name=name) for name in ("apple", "avocado", "pear")]
    assert chosen(many, []) == many
    assert [mutant.name for mutant in chosen(many, ["a*"])] == ["apple", "avocado"]
    assert [mutant.name for mutant in chosen(many, ["mutant/pear", "mutant_apple"])] == ["apple", "pear"]
    assert len(chosen(many, [], some=2)) == 2
    assert chosen(many, [], some=9) == many
    with pytest.raises(InvalidInput, match="got 'x', expected a pattern that matches one of apple, avocado, pear"):
        chosen(many, ["a*", "x"])
    with pytest.raises(InvalidInput, match="got none, expected at least one patch"):
        chosen([], [])


def test_flaws_of_banks_are_mutants_too(folder: Path) -> None:
    bank = folder.parent / "drafts" / "3"
    (bank / "naive").mkdir(parents=True)
    more = "slot: a\noperation: GET /api/events/\n"
    for name, text in (("planted", HEADER), ("unmeasured", HEADER.replace("scenario: own/small\n", ""))):
        (bank / f"{name}.patch").write_text(text.replace("drill: 3\n", f"drill: 3\n{more}"))
    (bank / "planted.hardened.patch").write_text("--- a/x.py\n")
    (bank / "naive" / "anyway.flaw").write_text(HEADER)
    (bank / "naive" / "anyway.hardened.patch").write_text("--- a/x.py\n")
    (bank / "naive" / "only_there.flaw").write_text(HEADER)
    names = ["anyway", "one", "planted", "unmeasured"]
    assert variants(folder) == [f"mutant_{name}" for name in names]
    found = {mutant.name: mutant.patch.name for mutant in load_mutants(folder)}
    assert found == {"one": "one.patch", "planted": "planted.hardened.patch", "anyway": "anyway.hardened.patch"}
    (bank / "planted.patch").write_text(HEADER.replace("drill: 3\n", f"drill: 3\ncolour: red\n{more}"))
    with pytest.raises(
        InvalidInput, match=r"3/planted.patch:3: got 'colour: red', expected one of title, .*, not with"
    ):
        load_mutants(folder)
