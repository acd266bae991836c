"""What a finished run's folder says: findings, operations, samples, what to take away, what to do next."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaos.model.counterexamples import Counterexamples, Explained
from dashboard import details, evidence
from dashboard.details import Finding
from dashboard.evidence import Run, RunState

T0 = 1_700_000_000.0


@pytest.fixture
def run(tmp_path: Path, samples: Any) -> Run:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0, variant="naive", verdict="violated", broken=("sells_out",))
    return evidence.read_run(tmp_path, run_id)


def test_findings_come_worst_first_and_unreadable_ones_are_named(run: Run) -> None:
    document = json.loads((run.folder / "verdict.json").read_text())
    document["findings"] += [{"check": "slo", "verdict": "inconclusive"}, {"check": 5, "examples": "x"}, "what"]
    (run.folder / "verdict.json").write_text(json.dumps(document))
    found = details.findings(run.folder)
    assert [finding.check for finding in found][:3] == ["sells_out", "slo", "5"]
    assert [finding.verdict for finding in found][-3:] == ["held"] * 3
    assert any(finding.reason.startswith("This entry") for finding in found)


@pytest.mark.parametrize("content", ["", "[]", '{"findings": 5}', "{"])
def test_no_findings_without_a_verdict(run: Run, content: str) -> None:
    (run.folder / "verdict.json").write_text(content)
    assert details.findings(run.folder) == []


CELL = {
    "phase": "spike", "op": "buy", "outcome": "ok", "kind": "latency", "count": 3, "max_ms": 9.5,
    "quantiles_ms": {"p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 3.0},
}  # fmt: skip


def test_operations_count_from_the_intended_start_only(run: Run) -> None:
    cells = [CELL, {**CELL, "kind": "service"}, {**CELL, "quantiles_ms": None, "max_ms": float("nan")}, "odd"]
    (run.folder / "histograms.json").write_text(json.dumps({"cells": cells}).replace("NaN", "null"))
    first, second = details.operations(run.folder)
    assert (first.count, first.p50_ms, first.p95_ms, first.p99_ms, first.max_ms) == (3, 1.0, 2.0, 3.0, 9.5)
    assert (second.p95_ms, second.max_ms) == (None, None)


def test_operations_of_a_run_without_histograms(run: Run) -> None:
    assert details.operations(run.folder) == []


def test_csv_of_operations_opens_in_a_spreadsheet_without_running_anything(run: Run) -> None:
    cells = [{**CELL, "op": "=HYPERLINK(1)", "phase": 'a,"b"'}]
    (run.folder / "histograms.json").write_text(json.dumps({"cells": cells}))
    (row,) = csv.DictReader(io.StringIO(details.operations_csv(details.operations(run.folder))))
    assert (row["operation"], row["phase"], row["p95_ms"]) == ("'=HYPERLINK(1)", 'a,"b"', "2.0")


def test_csv_of_seconds_has_every_second(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(details.seconds_csv(evidence.history_seconds(run.folder)))))
    assert [int(row["second"]) for row in rows] == list(range(len(rows)))
    assert sum(int(row["offered"]) for row in rows) == sum(int(row["served"]) + int(row["errors"]) for row in rows)
    assert details.seconds_csv({}) == "second,offered,served,errors,p50_ms,p95_ms\n"


def test_samples_are_read_in_order_and_torn_ones_left_out(run: Run) -> None:
    assert details.samples(run.folder) is None
    lines = [{"id": "b", "ended": 2.0, "status": 200}, {"id": "a", "ended": 1.0}, {"id": 5, "ended": "x"}]
    text = "".join(json.dumps(line) + "\n" for line in lines) + '{"id": "torn'
    (run.folder / "samples.jsonl").write_text(text)
    found = details.samples(run.folder)
    assert found is not None
    assert [sample.id for sample in found] == ["a", "b"]


def test_downloads_say_why_something_is_not_there(run: Run) -> None:
    (run.folder / "report.html").write_text("<html>")
    (run.folder / "out.mp4").write_bytes(b"0")
    assert "Code (patch)" not in {each.label for each in details.downloads(run)}
    (run.folder / "attempt.patch").write_bytes(b"")
    listed = {each.label: each for each in details.downloads(run)}
    assert listed["Report (HTML)"].path == run.folder / "report.html"
    assert listed["Report (HTML)"].file_name == f"{run.run_id}-report.html"
    assert listed["Video"].path == run.folder / "out.mp4"
    assert listed["Code (patch)"].file_name == f"{run.run_id}.patch"
    assert listed["JUnit XML"].path is None
    assert listed["JUnit XML"].why


def violated(where: str = "") -> Finding:
    return Finding(check="c", verdict="violated", where=where)


@pytest.mark.parametrize(
    ("listed", "window"),
    [
        ([], None),
        ([Finding(check="c", verdict="inconclusive", where="phase spike")], None),
        ([violated("phase recovery")], (18.0, 30.0)),
        ([violated("tier 1"), violated("phase baseline")], (0.0, 10.0)),
        ([violated("tier 1")], (7.0, 22.0)),
        ([violated("phase unheard of")], (7.0, 22.0)),
    ],
)
def test_the_failing_window(run: Run, listed: list[Finding], window: tuple[float, float] | None) -> None:
    assert details.failing_window(run, listed) == window


def test_no_window_without_faults_or_phases(run: Run) -> None:
    assert details.failing_window(replace(run, faults=()), [violated()]) is None


def open_(check: str, kind: str, reason: str = "") -> Finding:
    return Finding(check=check, verdict="inconclusive", kind=kind, reason=reason)


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (open_("self_check:send_lag", "self_check"), "too busy"),
        (open_("slo:x", "slo", "the host was saturated"), "too busy"),
        (open_("fault:1", "fault", "met by 0"), "not proven or not felt"),
        (open_("witness:state", "witness"), "make doctor"),
        (open_("steady_state:x", "steady_state"), "make logs P=api"),
        (open_("self_check:end", "self_check", "stopped by SIGTERM"), "let it end"),
        (open_("sells_out", "invariant", "the world had not settled"), "make logs P=worker"),
        (open_("slo:x", "slo", "7 samples"), "another seed"),
    ],
)
def test_every_open_check_has_a_next_step(run: Run, finding: Finding, words: str) -> None:
    (advice,) = details.advice(run, [finding, Finding(check="held", verdict="held")])
    assert words in advice.text


def test_the_root_is_named_and_not_what_follows_from_it(run: Run) -> None:
    follows = [open_(f"i{number}", "invariant", "depends on the fault") for number in range(6)]
    found = details.advice(run, [*follows, open_("fault:1", "fault")])
    assert [advice.check for advice in found] == ["fault:1"]
    assert len(details.advice(run, follows)) == 4
    assert run.state is RunState.ENDED


@pytest.mark.parametrize("content", ['{"counterexamples": 5}', "[]", "{", None])
def test_counterexamples_that_cannot_be_read_are_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "counterexamples.json").write_text(content)
    assert details.explained(tmp_path) == {}


def test_counterexamples_by_check(tmp_path: Path) -> None:
    one = Explained(check="no_oversell", says="two buyers", expected="e", measured="m")
    (tmp_path / "counterexamples.json").write_bytes(msgspec.json.encode(Counterexamples(counterexamples=(one,))))
    assert details.explained(tmp_path) == {"no_oversell": one}
