"""Hints and files: every check that a scenario of a drill can report has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.drills.catalogue import Drill, drills
from chaos.drills.guide import LEVELS, Guide, Hint, brief_of, guide_of, plain_id
from chaos.drills.hints import Asked, failed_last, next_hint
from chaos.drills.latest import Latest
from chaos.errors import InvalidInput
from chaos.load import find_scenario, load_scenario
from chaos.model.verdict import Finding, FindingKind, Verdict

CHECKOUT = Path(__file__).resolve().parents[4]
SHOP = CHECKOUT / "services" / "shop"
STARTER = CHECKOUT / "chaos" / "drills" / "starter"
DRILLS = pytest.mark.parametrize("one", drills(), ids=lambda one: one.key)


def reported(one: Drill) -> set[str]:
    """Ids of the checks of the drill's scenarios, without brackets."""
    scenarios = [load_scenario(find_scenario(name)) for name in (*one.core, *one.stretch)]
    return {plain_id(check.id) for scenario in scenarios for check in scenario.checks}


@DRILLS
def test_every_check_of_a_drill_has_a_hint_of_each_level_and_files(one: Drill) -> None:
    guide = guide_of(one)
    assert set(guide.files) == reported(one)
    assert {name for hint in guide.hints for name in hint.checks} == reported(one)
    for check in reported(one):
        assert tuple(hint.level for hint in guide.ladder(check)) == LEVELS, check
        assert guide.files_of([check])
    assert len({hint.key for hint in guide.hints}) == len(guide.hints)


@DRILLS
def test_the_files_are_there_in_the_code_that_an_attempt_begins_with(one: Drill) -> None:
    places = [SHOP / "naive", STARTER / f"drill_{one.number}"]
    if one.number == 6:
        places = [STARTER / "drill_6", SHOP / "samples" / "skeleton"]
    for name in {name for names in guide_of(one).files.values() for name in names}:
        assert any((place / name.removeprefix("backoffice/")).is_file() for place in places), name


@DRILLS
def test_hints_come_in_order_of_what_they_give_away(one: Drill) -> None:
    levels = [LEVELS.index(hint.level) for hint in guide_of(one).hints]
    assert levels == sorted(levels)
    assert brief_of(one).steps


def test_brackets_don_t_matter() -> None:
    guide = guide_of(next(one for one in drills() if one.number == 5))
    assert guide.ladder("slo:success_ratio[outage,buy]") == guide.ladder("slo:success_ratio[brownout,browse]") != ()


ONE = Drill(key="concurrency", number=3, title="", core=("a/x", "a/y"), stretch=("a/z",))
GUIDE = Guide(
    files={"no_oversell": ("services.py",)},
    hints=tuple(
        Hint(key=level[0], level=level, title=level, text="…", checks=("no_oversell",)) for level in reversed(LEVELS)
    ),
)


def run(scenario: str, *failed: str, at: str = "2026-11-28T10:00:00Z") -> Latest:
    verdict = Verdict.VIOLATED if failed else Verdict.HELD
    findings = tuple(
        Finding(check=name, kind=FindingKind.INVARIANT, verdict=verdict, expected="", measured="7 of 5")
        for name in failed
    )
    return Latest(
        name=f"run-{scenario}", scenario=scenario, seed=1, verdict=verdict, started_at=at, summary="", advice="",
        failed=findings,
    )  # fmt: skip


def test_the_next_hint_is_of_the_check_that_failed_last() -> None:
    runs = {"a/y": run("a/y"), "b/z": run("b/z", "other"), "a/x": run("a/x", "no_oversell", "sells_out")}
    asked = failed_last(ONE, runs)
    assert (asked.check, asked.run) == ("no_oversell", runs["a/x"])
    with pytest.raises(InvalidInput, match=r"firedrill run a/y --variant attempt"):
        failed_last(ONE, {"a/x": run("a/x")})


def test_the_core_comes_before_a_newer_stretch() -> None:
    """`firedrill check` runs the stretch last, and names a check of the core first."""
    runs = {"a/z": run("a/z", "refund"), "a/y": run("a/y"), "a/x": run("a/x", "no_oversell")}
    assert failed_last(ONE, runs).check == "no_oversell"
    assert failed_last(ONE, runs | {"a/x": run("a/x")}).check == "refund"


def test_one_level_after_the_other_and_then_the_last_again() -> None:
    asked = Asked(check="no_oversell[x]")
    steps = [next_hint(GUIDE, asked, opened) for opened in ([], ["n"], ["n", "d"], ["n", "d", "s"])]
    assert [(step.hint.level, step.number, step.again) for step in steps] == [
        ("nudge", 1, False),
        ("direction", 2, False),
        ("solution", 3, False),
        ("solution", 3, True),
    ]
    with pytest.raises(InvalidInput, match="check: got 'dance', expected one of no_oversell"):
        next_hint(GUIDE, Asked(check="dance"), [])
