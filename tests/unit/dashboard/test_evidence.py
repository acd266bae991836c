from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from dashboard import evidence
from dashboard.errors import SourceAway
from dashboard.evidence import RunState

T0 = 1_700_000_000.0


def test_no_folder_means_no_runs(tmp_path: Path) -> None:
    assert evidence.run_ids(tmp_path / "none") == []
    assert evidence.running_run_id(tmp_path / "none") is None


def test_runs_are_listed_newest_first_and_other_folders_are_none(tmp_path: Path, samples: Any) -> None:
    old = samples.write_run(tmp_path, t0_unix_s=T0)
    new = samples.write_run(tmp_path, t0_unix_s=T0 + 100)
    (tmp_path / "notes").mkdir()
    assert evidence.run_ids(tmp_path) == [new, old]


def test_a_running_run_is_found_behind_one_that_has_ended(tmp_path: Path, samples: Any) -> None:
    running = samples.write_run(tmp_path, t0_unix_s=T0, until_s=12.0)
    samples.write_run(tmp_path, t0_unix_s=T0 + 100)
    assert evidence.running_run_id(tmp_path) == running


def test_a_running_run_tells_its_phase_and_its_active_faults(tmp_path: Path, samples: Any) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=time.time() - 13.5, until_s=13.5)
    run = evidence.read_run(tmp_path, run_id)
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
def test_the_stage_follows_the_journal(tmp_path: Path, samples: Any, until_s: float, stage: str) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0, until_s=until_s)
    assert evidence.read_run(tmp_path, run_id).stage == stage


def test_an_ended_run_has_its_verdict_and_what_was_broken(tmp_path: Path, samples: Any) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0, variant="naive", verdict="violated", broken=("no_oversell",))
    run = evidence.read_run(tmp_path, run_id)
    assert (run.state, run.verdict, run.broken, run.duration_s) == (RunState.ENDED, "violated", ("no_oversell",), 41.0)
    assert run.active_faults == ()


def test_whose_run_it_was(tmp_path: Path, samples: Any) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0)
    assert evidence.read_run(tmp_path, run_id).learner == ""
    path = tmp_path / run_id / "verdict.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "learner": "Ada"}))
    assert evidence.read_run(tmp_path, run_id).learner == "Ada"


def test_a_run_between_its_end_and_its_verdict_is_being_judged(tmp_path: Path, samples: Any) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0)
    (tmp_path / run_id / "verdict.json").unlink()
    run = evidence.read_run(tmp_path, run_id)
    assert (run.state, run.stage, run.verdict) == (RunState.ENDED, "judging", "")


def test_a_run_that_nobody_writes_to_any_more_is_cut_short(tmp_path: Path, samples: Any) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0, until_s=12.0)
    for path in (tmp_path / run_id, *(tmp_path / run_id).rglob("*")):
        os.utime(path, (T0, T0))
    assert evidence.read_run(tmp_path, run_id, now_unix_s=T0 + evidence.QUIET_S - 1).state is RunState.RUNNING
    assert evidence.read_run(tmp_path, run_id, now_unix_s=T0 + evidence.QUIET_S + 1).state is RunState.CUT_SHORT
    assert evidence.running_run_id(tmp_path) is None


def test_a_heal_ends_every_fault(tmp_path: Path, samples: Any) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0, until_s=13.0)
    healed = {"seq": 99, "at_unix_s": T0 + 14, "at_s": 14.0, "event": "healed", "data": {"pristine": True}}
    with (tmp_path / run_id / "journal.jsonl").open("a") as journal:
        journal.write(json.dumps(healed) + "\n")
    assert [fault.lifted_s for fault in evidence.read_run(tmp_path, run_id).faults] == [14.0, 12.9]


def test_a_torn_line_is_left_for_the_next_look_and_a_damaged_one_is_counted(tmp_path: Path, samples: Any) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0, until_s=5.0)
    with (tmp_path / run_id / "journal.jsonl").open("a") as journal:
        journal.write('{"seq": 9, "damaged\n{"seq": 10, "at_unix')
    run = evidence.read_run(tmp_path, run_id)
    assert run.unreadable_lines == 1
    assert run.stage == "phase baseline"


def test_a_folder_that_was_just_made_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "20261123-101502-x-naive-s7").mkdir()
    run = evidence.read_run(tmp_path, "20261123-101502-x-naive-s7")
    assert (run.state, run.stage, run.t0_unix_s) == (RunState.RUNNING, "preparing the variant", None)


@pytest.mark.parametrize("run_id", ["20261123-101502-none-naive-s7", "../../etc", "", "20261123-101502-a/../../.."])
def test_an_unknown_run_is_a_sentence(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(SourceAway, match="There is no run"):
        evidence.read_run(tmp_path, run_id)


def test_latency_limits_come_from_the_scenario(tmp_path: Path, samples: Any) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0)
    assert [(limit.text, limit.at_most_s) for limit in evidence.read_run(tmp_path, run_id).limits] == [
        ("browse p95 ≤ 300ms", 0.3)
    ]


@pytest.mark.parametrize(
    "scenario",
    [
        "",
        "[1",
        "- 1",
        "steady_state: 3",
        "checks: [{slo: latency, at_most: soon}]",
        "checks: [{slo: latency, at_most: 1s, quantile: high}]",
    ],
)
def test_a_strange_scenario_has_no_limits(tmp_path: Path, samples: Any, scenario: str) -> None:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0)
    (tmp_path / run_id / "scenario.yaml").write_text(scenario)
    assert evidence.read_run(tmp_path, run_id).limits == ()


def history(folder: Path, *lines: dict[str, Any], name: str = "0.jsonl") -> None:
    (folder / "history").mkdir(exist_ok=True)
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    (folder / "history" / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)


def invoke(ident: str, intended: float, **more: Any) -> dict[str, Any]:
    return {"t": "invoke", "id": ident, "op": "buy", "phase": "p", "intended": intended, "sent": intended, **more}


@pytest.mark.parametrize("name", ["0.jsonl", "0.jsonl.gz"])
def test_history_counts_main_operations_by_second(tmp_path: Path, name: str) -> None:
    history(
        tmp_path,
        {"t": "start", "version": 1, "worker": 0, "t0_unix_s": T0, "variant": "naive", "seed": 1},
        invoke("0-1", 0.2), invoke("0-2", 0.9), invoke("0-3", 1.1), invoke("0-4", 1.2, main=False), invoke("0-5", 1.5),
        {"t": "ok", "id": "0-1", "ended": 0.3, "status": 200},
        {"t": "ok", "id": "0-4", "ended": 1.3, "status": 200},
        {"t": "fail", "id": "0-2", "ended": 1.4, "status": 409, "refused": True, "reason": "sold_out"},
        {"t": "info", "id": "0-3", "ended": 2.1, "status": 500},
        {"t": "dropped", "id": "0-6", "op": "buy", "phase": "p", "intended": 2.5},
        name=name,
    )  # fmt: skip
    seconds = evidence.history_seconds(tmp_path)
    assert {at: (s.offered, s.served, s.errors) for at, s in seconds.items()} == {
        0: (2, 1, 0),
        1: (2, 1, 0),
        2: (1, 0, 2),
    }
    assert seconds[1].latencies_s == [pytest.approx(0.5)]
    assert seconds[2].latencies_s == [pytest.approx(1.0)]


def test_a_missing_history_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceAway, match="no operation history"):
        evidence.history_seconds(tmp_path)


def test_a_history_too_large_for_a_page_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history(tmp_path, invoke("0-1", 0.2))
    monkeypatch.setattr(evidence, "HISTORY_LIMIT_BYTES", 10)
    with pytest.raises(SourceAway, match="too large"):
        evidence.history_seconds(tmp_path)


def test_a_torn_compressed_history_gives_what_is_there(tmp_path: Path) -> None:
    history(tmp_path, *(invoke(f"0-{n}", n / 100) for n in range(3000)), name="0.jsonl.gz")
    path = tmp_path / "history" / "0.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-200])
    assert sum(second.offered for second in evidence.history_seconds(tmp_path).values()) > 0
