"""How long a check still takes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from chaos.drills.conclude import conclude
from chaos.drills.pace import AROUND_S, EXCHANGES_S, OWN_TESTS_S, Course, course, durations, minutes
from chaos.load import find_scenario, load_scenario
from tests.unit.chaos.runs import run_of, write_run

SALE, SEATS = "concurrency/flash-sale", "interleaving/last-seats"


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "10 s"), (44, "40 s"), (89, "90 s"), (95, "2 min"), (185, "3 min"), (3600, "60 min")]
)
def test_no_finer_than_anybody_can_know(seconds: float, told: str) -> None:
    assert minutes(seconds) == told


def test_what_is_left_becomes_less() -> None:
    way = Course(seconds=((20, 1), (30, 3), (60, 3)))
    told = [way.told(1), way.told(2), way.told(2, 2), way.told(3), way.told(3, 2), way.told(3, 3)]
    assert told == [
        "1 of 3, about 5 min left",
        "2 of 3, about 4 min left",
        "2 of 3, about 4 min left",
        "3 of 3, about 3 min left",
        "3 of 3, about 60 s left",
        "3 of 3, about 60 s left",
    ]


def test_by_the_runs_on_disk_else_by_the_plans(tmp_path: Path) -> None:
    def scenario(name: str):  # type: ignore[no-untyped-def]
        return load_scenario(find_scenario(name))

    names = [SALE, SEATS]
    planned = course(names, holds=3, own_tests=True, scenario=scenario, root=tmp_path)
    sale_s = scenario(SALE).duration_s + AROUND_S
    assert planned.seconds == ((OWN_TESTS_S, 1), (sale_s, 3), (EXCHANGES_S + AROUND_S, 3))
    folder = conclude(write_run(run_of(tmp_path)), index=None, say=pytest.fail).folder
    (ran_s,) = durations(tmp_path).values()
    own = dataclasses.replace(scenario(SALE), name=next(iter(durations(tmp_path))))
    known = course(["x"], holds=1, own_tests=False, scenario=lambda _: own, root=tmp_path)
    assert known.seconds == ((ran_s + AROUND_S, 1),)
    (folder / "verdict.json").write_text("{")
    assert durations(tmp_path) == {}
