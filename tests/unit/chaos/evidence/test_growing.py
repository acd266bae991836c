from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from chaos.evidence import growing
from chaos.evidence.course import RunState
from chaos.evidence.limits import Curve, Limit
from tests.unit.dashboard import samples

T0 = 1_700_000_000.0


def test_no_folder_means_no_runs(tmp_path: Path) -> None:
    assert growing.run_ids(tmp_path / "none") == []
    assert growing.running_run_id(tmp_path / "none") is None


def test_runs_are_listed_newest_first_and_other_folders_are_none(tmp_path: Path) -> None:
    old = samples.write_run(tmp_path, t0_unix_s=T0)
    new = samples.write_run(tmp_path, t0_unix_s=T0 + 100)
    (tmp_path / "notes").mkdir()
    assert growing.run_ids(tmp_path) == [new, old]


def test_a_running_run_is_found_behind_one_that_has_ended(tmp_path: Path) -> None:
    running = samples.write_run(tmp_path, t0_unix_s=T0, until_s=12.0)
    samples.write_run(tmp_path, t0_unix_s=T0 + 100)
    assert growing.running_run_id(tmp_path) == running


def test_a_running_run_tells_its_phase_and_its_active_faults(tmp_path: Path) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=time.time() - 13.5, until_s=13.5)
    run = growing.read_run(tmp_path, run_id)
    assert run.state is RunState.RUNNING
    assert run.stage == "phase spike"
    assert [(fault.kind, fault.on, fault.injected_s) for fault in run.active_faults] == [
        ("latency", "shop_to_gateway", 10.02)
    ]
    assert [fault.lifted_s for fault in run.faults] == [None, 12.9]
    assert (run.title, run.variant, run.seed, run.drill) == ("Flash sale", "hardened", 7, 3)
    assert run.load_end_s == 28.0
    assert run.last_s >= 13.5


@pytest.mark.parametrize(
    ("until_s", "stage"),
    [
        (-0.5, "starting the load"),
        (3.0, "phase baseline"),
        (28.5, "lifting what is left"),
        (30.0, "settling"),
        (33.5, "collecting the evidence"),
    ],
)
def test_the_stage_follows_the_journal(tmp_path: Path, until_s: float, stage: str) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0, until_s=until_s)
    assert growing.read_run(tmp_path, run_id).stage == stage


def test_an_ended_run_has_its_verdict_and_what_was_broken(tmp_path: Path) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0, variant="naive", verdict="violated", broken=("no_oversell",))
    run = growing.read_run(tmp_path, run_id)
    assert (run.state, run.verdict, run.broken, run.duration_s) == (RunState.ENDED, "violated", ("no_oversell",), 41.0)
    assert run.active_faults == ()


def test_whose_run_it_was(tmp_path: Path) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0)
    assert growing.read_run(tmp_path, run_id).learner == ""
    path = tmp_path / run_id / "verdict.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "learner": "Ada"}))
    assert growing.read_run(tmp_path, run_id).learner == "Ada"


def test_a_run_between_its_end_and_its_verdict_is_being_judged(tmp_path: Path) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0)
    (tmp_path / run_id / "verdict.json").unlink()
    run = growing.read_run(tmp_path, run_id)
    assert (run.state, run.stage, run.verdict) == (RunState.ENDED, "judging", "")


def test_a_run_that_nobody_writes_to_any_more_is_cut_short(tmp_path: Path) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0, until_s=12.0)
    for path in (tmp_path / run_id, *(tmp_path / run_id).rglob("*")):
        os.utime(path, (T0, T0))
    assert growing.read_run(tmp_path, run_id, now_unix_s=T0 + growing.QUIET_S - 1).state is RunState.RUNNING
    assert growing.read_run(tmp_path, run_id, now_unix_s=T0 + growing.QUIET_S + 1).state is RunState.CUT_SHORT
    assert growing.running_run_id(tmp_path) is None


def test_a_heal_ends_every_fault(tmp_path: Path) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0, until_s=13.0)
    healed = {"seq": 99, "at_unix_s": T0 + 14, "at_s": 14.0, "event": "healed", "data": {"pristine": True}}
    with (tmp_path / run_id / "journal.jsonl").open("a") as journal:
        journal.write(json.dumps(healed) + "\n")
    assert [fault.lifted_s for fault in growing.read_run(tmp_path, run_id).faults] == [14.0, 12.9]


def test_a_torn_line_is_left_for_the_next_look_and_a_damaged_one_is_counted(tmp_path: Path) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0, until_s=5.0)
    with (tmp_path / run_id / "journal.jsonl").open("a") as journal:
        journal.write('{"seq": 9, "damaged\n{"seq": 10, "at_unix')
    run = growing.read_run(tmp_path, run_id)
    assert run.unreadable_lines == 1
    assert run.stage == "phase baseline"


def test_a_folder_that_was_just_made_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "20261123-101502-x-naive-s7").mkdir()
    run = growing.read_run(tmp_path, "20261123-101502-x-naive-s7")
    assert (run.state, run.stage, run.t0_unix_s) == (RunState.RUNNING, "preparing the variant", None)


@pytest.mark.parametrize("run_id", ["20261123-101502-none-naive-s7", "../../etc", "", "20261123-101502-a/../../.."])
def test_an_unknown_run_is_a_sentence(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(growing.NoSuchRun, match=r"^run: got "):
        growing.read_run(tmp_path, run_id)


def test_latency_limits_come_from_the_scenario(tmp_path: Path) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0)
    (limit,) = growing.read_run(tmp_path, run_id).limits
    assert limit == Limit(curve=Curve("browse"), at_most_s=0.3)
    assert limit.text == "browse p95 ≤ 300 ms"


@pytest.mark.parametrize(
    "scenario",
    [
        "",
        "[1",
        "- 1",
        "steady_state: 3",
        "checks: [{slo: latency, at_most: soon}]",
        "checks: [{slo: latency, at_most: 1s, quantile: high}]",
        "checks: [{slo: latency, at_most: 1s, quantile: .nan}]",
    ],
)
def test_a_strange_scenario_has_no_limits(tmp_path: Path, scenario: str) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0)
    (tmp_path / run_id / "scenario.yaml").write_text(scenario)
    assert growing.read_run(tmp_path, run_id).limits == ()
