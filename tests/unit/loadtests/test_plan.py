from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests import plan as plans
from loadtests import world as worlds

KNOWN = {"browse": object(), "buy": object()}
PHASE = {
    "name": "calm",
    "start_s": 0,
    "duration_s": 5,
    "rate_from_per_s": 1,
    "rate_to_per_s": 1,
    "mix": {"browse": 1},
}
PLAN = {
    "run_id": "r",
    "scenario": "s",
    "variant": "naive",
    "seed": 1,
    "t0_unix_s": 1.0,
    "base_url": "http://127.0.0.1:18000",
    "world_file": "w",
    "out_dir": "o",
    "phases": [PHASE],
}


def problems(path: Path, plan: dict[str, Any]) -> list[str]:
    file = path / "plan.json"
    file.write_text(json.dumps(plan))
    with pytest.raises(plans.BadPlan) as caught:
        plans.read(file, KNOWN)
    return [problem.removeprefix(f"{file}: ") for problem in caught.value.problems]


def test_a_good_plan_is_read(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(PLAN))
    assert plans.read(tmp_path / "plan.json", KNOWN).phases[0].mix == {"browse": 1}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"version": 9}, "version: got 9, expected 1"),
        ({"arrivals": "x"}, "arrivals: got 'x', expected one of poisson, uniform"),
        ({"workers": 3, "max_in_flight": 2}, "max_in_flight: got 2, expected at least one for each of 3 workers"),
        ({"t0_unix_s": 0}, "t0_unix_s: got 0.0, expected a time (0 is for workers elsewhere)"),
        (
            {"t0_unix_s": 0, "elsewhere": {"listen": "18019", "key_file": "k"}},
            "elsewhere: listen: got '18019', expected host:port",
        ),
        ({"timeout_s": 0}, "timeout_s: got 0.0, expected more than 0"),
        ({"double_click_ratio": 2}, "double_click_ratio: got 2.0, expected 0 to 1"),
        ({"base_url": "https://h"}, "base_url: got 'https://h', expected http://host:port"),
        ({"phases": []}, "phases: got none, expected at least one"),
        (
            {"phases": [PHASE, PHASE]},
            "phases: calm: start_s: got 0.0, expected at least 5.0, the end of the phase before",
        ),
        ({"phases": [{**PHASE, "duration_s": 0}]}, "phases: calm: duration_s: got 0.0, expected more than 0"),
        ({"phases": [{**PHASE, "rate_to_per_s": -1}]}, "phases: calm: rate_to_per_s: got -1.0, expected 0 or more"),
        (
            {"phases": [{**PHASE, "mix": {"browse": 0}}]},
            "phases: calm: mix: got {'browse': 0}, expected weights of which at least one is positive",
        ),
        (
            {"phases": [{**PHASE, "mix": {"sell": 1}}]},
            "phases: calm: mix: got operation 'sell', expected one of browse, buy",
        ),
    ],
)
def test_each_problem_has_its_sentence(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    assert problems(tmp_path, {**PLAN, **change}) == [problem]


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    assert len(problems(tmp_path, {**PLAN, "timeout_s": 0, "arrivals": "x", "workers": 0})) == 3


def test_what_is_no_plan_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(plans.BadPlan, match="got No such file or directory, expected a load plan"):
        plans.read(tmp_path / "none", KNOWN)
    assert problems(tmp_path, {}) == ["got Object missing required field `run_id`, expected a load plan"]


def test_a_world_without_customers_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    world = {"variant": "v", "password": "p", "events": [{"id": 1, "slug": "e"}], "tiers": [], "customers": []}
    file.write_text(json.dumps(world))
    with pytest.raises(ValueError, match="tiers: got an empty list, expected at least one"):
        worlds.read(file)
    with pytest.raises(ValueError, match=r"expected the world\.json of prepare"):
        worlds.read(tmp_path / "none.json")
