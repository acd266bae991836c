from xml.etree import ElementTree

import msgspec

from chaos.model.verdict import VerdictDocument
from chaos.report.junit import render
from tests.unit.chaos.report.samples import OVERSOLD


def finding(check, verdict, *, kind="invariant", **more):
    base = {"expected": "e", "measured": "m", "where": "", "reason": "", "examples": []}
    return {**base, "check": check, "kind": kind, "verdict": verdict, **more}


def document(*findings):
    found = {
        "scenario": "concurrency/flash-sale", "variant": "naive", "run_id": "r", "seed": 7, "scale": 1.0, "drill": 3,
        "verdict": "violated", "duration_s": 41.5, "started_at": "2026-11-24T13:55:37+00:00", "findings": findings,
        "title": "t", "hypothesis": "h", "exit_code": 1, "summary": "", "phases": [], "faults": [], "operations": {},
    }  # fmt: skip
    return msgspec.convert(found, VerdictDocument)


def cases(text):
    root = ElementTree.fromstring(text)
    return root, {case.get("name"): case for case in root.iter("testcase")}


def test_each_check_is_a_case_and_only_what_is_held_passes():
    root, found = cases(
        render(
            document(
                finding("a", "held"),
                finding("b", "violated", reason="too many", examples=["o1"], where="tier 1"),
                finding("c", "inconclusive", reason="no data"),
                finding("self_check:lag", "inconclusive", kind="self_check", reason="late"),
                finding("self_check:cpu", "held", kind="self_check"),
            )
        )
    )
    assert {name: [child.tag for child in case] for name, case in found.items()} == {
        "a": [],
        "b": ["failure"],
        "c": ["error"],
        "self_check:lag": ["error"],
        "self_check:cpu": [],
    }
    totals = {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert totals == {"tests": "5", "failures": "1", "errors": "2", "skipped": "0"}
    failure = found["b"].find("failure")
    assert failure.get("message") == "too many"
    assert "where: tier 1\nexamples: o1" in failure.text
    assert found["a"].get("classname") == "firedrill.concurrency.flash-sale.naive"


def test_a_failure_brings_its_counterexample():
    _, found = cases(render(document(finding("no_oversell", "violated", reason="r")), [OVERSOLD]))
    assert "UPDATE shop_tickettier SET sold = 11" in found["no_oversell"].find("failure").text


def test_what_xml_cannot_hold_does_not_break_it():
    _, found = cases(render(document(finding("a", "violated", reason="nul \x00, esc \x1b, <tag> & \ud800"))))
    assert found["a"].find("failure").get("message") == "nul �, esc �, <tag> & �"


def test_a_run_without_checks_has_no_case_that_passes():
    root, found = cases(render(document()))
    assert (root.get("tests"), found) == ("0", {})
