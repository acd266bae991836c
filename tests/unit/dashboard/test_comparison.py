"""Two runs beside each other: refused when it would mean nothing, and nothing is better that was not decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chaos.evidence.course import Fault, RunState
from chaos.evidence.figures import Timeline
from chaos.evidence.growing import Run
from chaos.model.history import Operation, Outcome
from chaos.model.verdict import Finding, FindingKind, OperationRow, Verdict
from dashboard import charts, comparison
from dashboard.comparison import Side
from dashboard.details import Operation as Row
from tests.unit.chaos.documents import document


def run(run_id: str = "r1", **more: Any) -> Run:
    fault = Fault(id="1", kind="latency", on="shop_to_gateway", injected_s=2.0, lifted_s=4.0)
    verdict = more.pop("verdict", "held")
    known = {"scenario": "c/flash", "title": "Flash", "variant": "naive", "seed": 7, **more}
    told = {name: value for name, value in known.items() if name in ("scenario", "title", "variant", "seed", "scale")}
    known = {"faults": (fault,), **{name: value for name, value in known.items() if name != "scale"}}
    judged = document(run_id=run_id, verdict=verdict, **told) if verdict else None
    return Run(run_id=run_id, folder=Path(), state=RunState.ENDED, stage="ended", document=judged, **known)


def finding(check: str, verdict: str, kind: str = "invariant") -> Finding:
    return Finding(
        check=check, verdict=Verdict(verdict), kind=FindingKind(kind), expected="…", measured=f"{check} measured"
    )


def side(variant: str, *findings: Finding, errors: int = 0, latency_s: float = 0.05, **more: Any) -> Side:
    timeline = Timeline()
    for number in range(60):
        outcome = Outcome.INFO if number % 10 < errors else Outcome.OK
        at_s = number / 10
        timeline.add(Operation(id="1", op="buy", phase="p", intended=at_s, ended=at_s + latency_s, outcome=outcome))
    return Side(run=run(variant, variant=variant, **more), findings=findings, operations=(), timeline=timeline)


@pytest.mark.parametrize(
    ("b", "words"),
    [
        (run("b"), ""),
        (run("a"), "twice"),
        (run("b", scenario="c/other"), "scenario: got"),
        (run("b", seed=8), "seed: got 7 in a and 8 in b"),
        (run("b", verdict=""), "no verdict yet"),
        (run("b", verdict="", unreadable_verdict="verdict.json: got x"), "verdict can't be read: verdict.json: got x"),
    ],
)
def test_refusals(b: Run, words: str) -> None:
    """By the command's own rule; until now other seeds were only a caution here, and other phases nothing."""
    said = comparison.refusal(run("a"), b).replace("\\", "")
    assert (words in said) if words else not said


def test_only_held_against_violated_is_better() -> None:
    a = side("naive", finding("x", "violated"), finding("y", "inconclusive"), finding("z", "held"), verdict="violated")
    b = side("hardened", finding("x", "held"), finding("y", "held"), finding("z", "inconclusive"))
    better = {row.what: row.better for row in comparison.check_rows(a, b)}
    assert better == {"x": "b", "y": "", "z": ""}
    said = comparison.in_words(a, b)
    assert said[0] == "hardened held what naive violated: x."


def test_the_labs_own_checks_only_where_they_differ() -> None:
    a = side("naive", finding("self_check:lag", "held", "self_check"), finding("fault:1", "held", "fault"))
    b = side("hardened", finding("self_check:lag", "inconclusive", "self_check"), finding("fault:1", "held", "fault"))
    assert [row.what for row in comparison.check_rows(a, b)] == ["self_check:lag"]


def test_an_undecided_run_is_called_that() -> None:
    said = comparison.in_words(side("naive"), side("hardened", finding("x", "inconclusive"), verdict="inconclusive"))
    assert "hardened decided too little (inconclusive): that is no pass. Run it again." in said


def test_a_check_that_only_one_run_has() -> None:
    (row,) = comparison.check_rows(side("naive", finding("x", "violated")), side("hardened"))
    assert (row.b, row.better) == ("not checked", "")


def test_figures_with_words_for_what_differs() -> None:
    a, b = side("naive", latency_s=0.9), side("hardened", latency_s=0.1)
    rows = {row.what: row for row in comparison.figure_rows(a, b)}
    p95 = rows["p95, while faults lasted"]
    assert (p95.a, p95.b, p95.delta, p95.better) == ("900 ms", "100 ms", "−89 %", "b")


def test_no_answer_is_slower_than_any() -> None:
    """Half of naive's operations got a 503 after 4 ms: until now its p95 was 4 ms, and the better one."""
    a, b = side("naive", errors=5, latency_s=0.004), side("hardened", latency_s=0.1)
    rows = {row.what: row for row in comparison.figure_rows(a, b)}
    errors = rows["errors, while faults lasted"]
    assert (errors.a, errors.b, errors.delta, errors.better) == ("50.0 %", "0 %", "−50.0 points", "b")
    p95 = rows["p95, while faults lasted"]
    assert (p95.a, p95.b, p95.better) == ("no answer", "100 ms", "b")
    assert "Errors, while faults lasted: 50.0 % on naive, 0 % on hardened." in comparison.in_words(a, b)
    both = {row.what: row for row in comparison.figure_rows(a, side("hardened", errors=5))}["p95, while faults lasted"]
    assert (both.a, both.b, both.delta, both.better) == ("no answer", "no answer", "alike", "")


def test_noise_is_no_difference() -> None:
    a, b = side("naive", latency_s=0.100), side("hardened", latency_s=0.115)
    rows = comparison.figure_rows(a, b)
    assert {row.better for row in rows} == {""}
    assert comparison.in_words(a, b)[-1].startswith("While the faults lasted, neither")


def test_runs_without_a_history_have_no_figures() -> None:
    empty = Side(run=run("a", faults=()), findings=(), operations=(), timeline=Timeline())
    assert {(row.a, row.b, row.better) for row in comparison.figure_rows(empty, empty)} == {("–", "–", "")}
    assert all(line.times_s == () for line in comparison.lines(empty, "a", 0.0))


def test_operations_of_either_side() -> None:
    counted = OperationRow(ok=1, refused=0, fail=0, info=0, dropped=0, p50_ms=1, p95_ms=100.0, p99_ms=1)
    cell = Row(phase="p", op="buy", row=counted)
    a = Side(run=run("a"), findings=(), operations=[cell], timeline=Timeline())
    b = Side(run=run("b"), findings=(), operations=[], timeline=Timeline())
    assert ("p95 of buy, p", "100 ms", "–") in [(row.what, row.a, row.b) for row in comparison.figure_rows(a, b)]


def test_the_axis_starts_where_the_fault_does() -> None:
    a, b = side("naive"), side("hardened")
    served = comparison.lines(a, "naive", 2.0)[0]
    assert served.times_s == (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
    lines = [*comparison.lines(a, "naive", 2.0), *comparison.lines(b, "hardened", 2.0)]
    option = charts.comparison_option(lines, names=("naive", "hardened"), faults=[(0.0, 2.0)], dark=False)
    assert {axis["min"] for axis in option["xAxis"]} == {-2}
    assert [series["name"] for series in option["series"] if series["data"]] == ["naive", "hardened"] * 3


def test_an_empty_comparison_is_still_a_chart() -> None:
    option = charts.comparison_option([], names=("a", "b"), faults=[], dark=True)
    assert len(option["grid"]) == 3


@pytest.mark.parametrize(
    ("a", "b", "names"),
    [
        (side("naive"), side("hardened"), ("naive", "hardened")),
        (side("naive"), side("naive", seed=8), ("naive, seed 7", "naive, seed 8")),
        (side("naive"), side("naive"), ("A: naive", "B: naive")),
    ],
)
def test_names_tell_the_sides_apart(a: Side, b: Side, names: tuple[str, str]) -> None:
    assert comparison.names(a, b) == names
