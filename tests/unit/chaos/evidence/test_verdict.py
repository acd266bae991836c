"""verdict.json as a type: the bytes stay what they were, and what a finding is about stands in one place."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaos.evidence.files import Unreadable
from chaos.evidence.verdict import added_to_verdict, read_verdict
from chaos.evidence.writing import encode
from chaos.model.verdict import Counterexample, FindingKind, VerdictDocument, plain

WRITTEN_BEFORE = Path(__file__).parent / "data" / "flash-sale-naive.verdict.json"
FINDING: dict[str, Any] = {
    "check": "no_oversell", "kind": "invariant", "verdict": "violated", "expected": "seats ≤ capacity",
    "measured": "11 of 10", "where": "tier 1", "reason": "1 too many", "exact": True, "examples": ["o1"],
    "figures": {"taken": 11, "deep": {"by": [1, 2.5, None]}},
}  # fmt: skip
PROVING = {"says": "it took 1 more", "operations": ["0-1"], "orders": [], "keys": [], "charges": [], "tiers": [1]}
ROW = {"ok": 3, "refused": 1, "fail": 0, "info": 2, "dropped": 1, "p50_ms": 12.5, "p95_ms": None, "p99_ms": None}
WRITTEN: dict[str, Any] = {
    "run_id": "20261123-101502-flash-sale-naive-s7", "scenario": "concurrency/flash-sale", "title": "Flash sale",
    "hypothesis": "It holds.", "drill": 3, "variant": "naive", "seed": 7, "scale": 1.0,
    "started_at": "2026-11-23T10:15:02.000+00:00", "duration_s": 41.25, "learner": "Ada", "isolation": "own user",
    "versions": {"django": "5"}, "verdict": "violated", "exit_code": 1, "summary": "Violated: no_oversell.",
    "advice": "", "aborted": "",
    "findings": [
        {**FINDING, "counterexample": PROVING},
        {**FINDING, "check": "self_check:host", "kind": "self_check", "verdict": "held"},
        {**FINDING, "check": "fault:x", "kind": "fault", "verdict": "inconclusive"},
    ],
    "phases": [{"name": "spike", "start_s": 0.0, "end_s": 8.0}],
    "faults": [
        {"id": "1-latency-x", "kind": "latency", "on": "x", "injected_s": 2.0, "lifted_s": None, "exposure": 57,
         "exposed_at_least": 1, "proven": True, "problem": ""},
    ],
    "operations": {"spike": {"buy": ROW}},
}  # fmt: skip
"""As a run writes it, key by key in this order."""


def write(tmp_path: Path, **more: Any) -> Path:
    (tmp_path / "verdict.json").write_bytes(encode({**WRITTEN, **more}))
    return tmp_path


def test_what_a_run_wrote_comes_back_byte_by_byte(tmp_path: Path) -> None:
    document = read_verdict(write(tmp_path))
    assert encode(plain(document)) == (tmp_path / "verdict.json").read_bytes()
    assert document.findings[0].counterexample == Counterexample(says="it took 1 more", operations=("0-1",), tiers=(1,))
    assert document.operations["spike"]["buy"].total == 7


def test_keys_of_another_version_are_passed_over_and_later_ones_may_be_missing(tmp_path: Path) -> None:
    later = {"learner", "isolation", "versions", "advice", "aborted"}
    (tmp_path / "verdict.json").write_text(json.dumps({k: v for k, v in WRITTEN.items() if k not in later}))
    first = read_verdict(tmp_path)
    assert (first.learner, first.isolation, first.advice, first.aborted) == ("", "", "", "")
    write(tmp_path, weather="fine", findings=[{**FINDING, "mood": "good"}])
    assert [finding.check for finding in read_verdict(tmp_path).findings] == ["no_oversell"]


def test_one_that_was_written_before_it_had_a_type_comes_back_byte_by_byte(tmp_path: Path) -> None:
    """Of a run of revision 24bdc468."""
    shutil.copy(WRITTEN_BEFORE, tmp_path / "verdict.json")
    document = read_verdict(tmp_path)
    assert encode(plain(document)) == WRITTEN_BEFORE.read_bytes()
    assert (document.verdict, document.variant, document.seed) == ("violated", "naive", 7)
    assert len(document.checks) + len(document.about_run) == len(document.findings)
    assert added_to_verdict(tmp_path) == []


@pytest.mark.parametrize("without", ["learner", "isolation", "versions", "advice", "aborted"])
def test_one_of_before_lacks_what_came_later(tmp_path: Path, without: str) -> None:
    told = json.loads(WRITTEN_BEFORE.read_text())
    del told[without]
    (tmp_path / "verdict.json").write_text(json.dumps(told))
    assert not getattr(read_verdict(tmp_path), without)
    assert added_to_verdict(tmp_path) == []


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"weather": "fine"}, "weather"),
        ({"findings": [{**FINDING, "mood": "good"}]}, "findings[0].mood"),
        ({"operations": {"spike": {"buy": {**ROW, "lost": 1}}}}, "operations.spike.buy.lost"),
        ({"findings": [{**FINDING, "counterexample": {**PROVING, "orders": list("abcd")}}]},
         "findings[0].counterexample.orders[3]"),
    ],
)  # fmt: skip
def test_what_no_run_writes_is_named_by_its_place(tmp_path: Path, more: dict[str, Any], place: str) -> None:
    assert added_to_verdict(write(tmp_path, **more)) == [place]


def test_findings_about_the_run_stand_apart_those_that_spoil_it_first(tmp_path: Path) -> None:
    document = read_verdict(write(tmp_path))
    assert [finding.check for finding in document.checks] == ["no_oversell"]
    assert [finding.check for finding in document.about_run] == ["fault:x", "self_check:host"]


def test_each_kind_says_whether_it_is_about_the_run() -> None:
    assert {kind for kind in FindingKind if kind.about_run} == {"fault", "self_check", "witness", "steady_state"}
    assert {kind for kind in FindingKind if not kind.about_run} == {"invariant", "slo", "recovery"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"verdict": "splendid"}, "Invalid enum value 'splendid' - at `$.verdict`"),
        ({"seed": "7"}, "Expected `int`, got `str` - at `$.seed`"),
        ({"findings": [{**FINDING, "kind": "gossip"}]}, "Invalid enum value 'gossip' - at `$.findings[0].kind`"),
        ({"phases": 5}, "at `$.phases`"),
        ({"operations": {"spike": {"buy": 7}}}, "at `$.operations[...][...]`"),
        ({"operations": {"spike": {"buy": {**ROW, "ok": 10**400}}}}, "at `$.operations[...][...].ok`"),
        ({"operations": {"spike": {"buy": {**ROW, "ok": -1}}}}, "at `$.operations[...][...].ok`"),
        ({"duration_s": 10**400}, ""),
    ],
)
def test_a_damaged_one_is_refused_with_the_place(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    with pytest.raises(Unreadable, match=r"^verdict\.json: got .*, expected the verdict of a run$") as caught:
        read_verdict(write(tmp_path, **more))
    assert said in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b'{"run_id": 1}', b"[" * 100_000])
def test_what_is_no_verdict_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "verdict.json").write_bytes(content)
    with pytest.raises(Unreadable, match=r"^verdict\.json: got "):
        read_verdict(tmp_path)


def test_figures_nested_deeper_than_anybody_writes_are_refused(tmp_path: Path) -> None:
    deep: dict[str, Any] = {}
    for _ in range(60):
        deep = {"in": deep}
    with pytest.raises(Unreadable, match="nested more than 50 deep"):
        read_verdict(write(tmp_path, findings=[{**FINDING, "figures": deep}]))


def test_a_pipe_in_its_place_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "verdict.json")
    with pytest.raises(Unreadable, match="got a pipe"):
        read_verdict(tmp_path)


def test_the_order_of_its_keys_is_that_of_the_file() -> None:
    assert [field.encode_name for field in msgspec.structs.fields(VerdictDocument)] == list(WRITTEN)
