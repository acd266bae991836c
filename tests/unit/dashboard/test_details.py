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

from chaos.evidence.figures import Second
from chaos.evidence.growing import Run
from chaos.model.counterexamples import Counterexamples, Explained
from chaos.model.verdict import Finding, FindingKind, Verdict
from dashboard import details, evidence

T0 = 1_700_000_000.0


@pytest.fixture
def run(tmp_path: Path, samples: Any) -> Run:
    run_id = samples.write_run(tmp_path, t0_unix_s=T0, variant="naive", verdict="violated", broken=("sells_out",))
    return evidence.read_run(tmp_path, run_id)


def changed(run: Run, **more: object) -> Run:
    path = run.folder / "verdict.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))
    return evidence.read_run(run.folder.parent, run.run_id)


def test_findings_come_worst_first(run: Run) -> None:
    listed = json.loads((run.folder / "verdict.json").read_text())["findings"]
    open_ = {"check": "slo", "kind": "slo", "verdict": "inconclusive", "expected": "…"}
    found = details.findings(changed(run, findings=[*listed, open_]))
    assert [finding.check for finding in found][:2] == ["sells_out", "slo"]
    assert [finding.verdict for finding in found][-3:] == ["held"] * 3


@pytest.mark.parametrize("content", ["", "[]", '{"findings": 5}', "{"])
def test_a_verdict_that_cannot_be_read_has_no_findings_and_says_why(run: Run, content: str) -> None:
    (run.folder / "verdict.json").write_text(content)
    again = evidence.read_run(run.folder.parent, run.run_id)
    assert (details.findings(again), again.verdict, again.broken) == ([], "", ())
    assert again.summary.startswith("The verdict can't be read: verdict.json: got ")


def test_one_entry_that_cannot_be_read_is_not_left_out_in_silence(run: Run) -> None:
    listed = json.loads((run.folder / "verdict.json").read_text())["findings"]
    again = changed(run, findings=[*listed, {"check": 5}])
    assert details.findings(again) == []
    assert "$.findings[4]" in again.summary


ROW = {"ok": 3, "refused": 1, "fail": 0, "info": 20, "dropped": 0, "p50_ms": None, "p95_ms": None, "p99_ms": None}


def test_operations_are_those_of_the_verdict(run: Run) -> None:
    """Until now the cells of histograms.json by outcome: twenty 503 after 4 ms had a p95 of 4 ms there."""
    (found,) = details.operations(changed(run, operations={"spike": {"buy": ROW}}))
    assert (found.phase, found.op, found.row.total, found.row.info, found.row.p95_ms) == ("spike", "buy", 24, 20, None)


def test_operations_of_a_run_without_a_verdict_are_those_of_its_history(run: Run) -> None:
    (run.folder / "verdict.json").unlink()
    unjudged = evidence.read_run(run.folder.parent, run.run_id)
    assert details.operations(unjudged) == []
    found = details.operations(unjudged, evidence.figures(run.folder))
    assert [(each.phase, each.op) for each in found] == [(p, "browse") for p in ("baseline", "spike", "recovery")]
    assert found[0].row.p95_ms is not None


def test_csv_of_operations_opens_in_a_spreadsheet_without_running_anything(run: Run) -> None:
    again = changed(run, operations={'a,"b"': {"=HYPERLINK(1)": ROW}})
    (row,) = csv.DictReader(io.StringIO(details.operations_csv(details.operations(again))))
    assert (row["operation"], row["phase"], row["p95_ms"]) == ("'=HYPERLINK(1)", 'a,"b"', "no answer")


def test_csv_of_seconds_says_where_there_was_no_answer() -> None:
    seconds = [Second(at_s=0, offered=20, errors=20), Second(at_s=1), Second(at_s=2, offered=1, served=1, p95_ms=4.5)]
    assert details.seconds_csv(seconds).splitlines()[1:] == [
        "0,20,0,20,no answer,no answer",
        "1,0,0,0,,",
        "2,1,1,0,no answer,4.5",
    ]


def test_csv_of_seconds_has_every_second(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(details.seconds_csv(evidence.figures(run.folder).all.seconds()))))
    assert [int(row["second"]) for row in rows] == list(range(len(rows)))
    assert sum(int(row["offered"]) for row in rows) == sum(int(row["served"]) + int(row["errors"]) for row in rows)
    assert details.seconds_csv([]) == "second,offered,served,errors,p50_ms,p95_ms\n"


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


OPEN = Finding(check="c", kind=FindingKind.SLO, verdict=Verdict.INCONCLUSIVE, expected="…", where="phase spike")


def violated(where: str = "") -> Finding:
    return replace(OPEN, verdict=Verdict.VIOLATED, where=where)


@pytest.mark.parametrize(
    ("listed", "window"),
    [
        ([], None),
        ([OPEN], None),
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


@pytest.mark.parametrize("content", ['{"counterexamples": 5}', "[]", "{", None])
def test_counterexamples_that_cannot_be_read_are_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "counterexamples.json").write_text(content)
    assert details.explained(tmp_path) == {}


def test_counterexamples_by_check(tmp_path: Path) -> None:
    one = Explained(check="no_oversell", says="two buyers", expected="e", measured="m")
    (tmp_path / "counterexamples.json").write_bytes(msgspec.json.encode(Counterexamples(counterexamples=(one,))))
    assert details.explained(tmp_path) == {"no_oversell": one}
