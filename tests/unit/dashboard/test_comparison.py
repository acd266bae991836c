"""Two runs beside each other: refused when it would mean nothing, and nothing is better that was not decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboard import charts, comparison
from dashboard.comparison import Side
from dashboard.details import Finding, Operation
from dashboard.evidence import Fault, Run, RunState, Second


def run(run_id: str = "r1", **more: Any) -> Run:
    fault = Fault(id="1", kind="latency", on="shop_to_gateway", injected_s=2.0, lifted_s=4.0)
    known = {"scenario": "c/flash", "title": "Flash", "variant": "naive", "seed": 7, "verdict": "held"}
    known |= {"faults": (fault,)}
    return Run(run_id=run_id, folder=Path(), state=RunState.ENDED, stage="ended", **{**known, **more})


def finding(check: str, verdict: str, kind: str = "invariant") -> Finding:
    return Finding(check=check, verdict=verdict, kind=kind, measured=f"{check} measured")


def side(variant: str, *findings: Finding, errors: int = 0, latency_s: float = 0.05, **more: Any) -> Side:
    seconds = {
        at: Second(offered=10, served=10 - errors, errors=errors, latencies_s=[latency_s] * 10) for at in range(6)
    }
    return Side(run=run(variant, variant=variant, **more), findings=findings, operations=(), seconds=seconds)


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (run("a"), run("b"), ""),
        (run("a"), run("a"), "same run twice"),
        (run("a"), run("b", scenario="c/other"), "different scenarios"),
        (run("a", verdict=""), run("b"), "no verdict yet"),
    ],
)
def test_refusals(a: Run, b: Run, words: str) -> None:
    said = comparison.refusal(a, b)
    assert (words in said) if words else not said


def test_another_seed_is_a_caution() -> None:
    assert comparison.caution(run("a"), run("b")) == ""
    assert "--seed 7" in comparison.caution(run("a"), run("b", seed=8))


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
    a, b = side("naive", errors=5, latency_s=0.9), side("hardened", errors=0, latency_s=0.1)
    rows = {row.what: row for row in comparison.figure_rows(a, b)}
    errors = rows["errors, while faults lasted"]
    assert (errors.a, errors.b, errors.delta, errors.better) == ("50.0 %", "0 %", "-50.0 points", "b")
    p95 = rows["p95, while faults lasted"]
    assert (p95.a, p95.b, p95.delta, p95.better) == ("900 ms", "100 ms", "0.11 times as long", "b")
    said = comparison.in_words(a, b)
    assert "Errors, while faults lasted: 50.0 % on naive, 0 % on hardened." in said


def test_noise_is_no_difference() -> None:
    a, b = side("naive", latency_s=0.100), side("hardened", latency_s=0.115)
    rows = comparison.figure_rows(a, b)
    assert {row.better for row in rows} == {""}
    assert comparison.in_words(a, b)[-1].startswith("While the faults lasted, neither")


def test_runs_without_a_history_have_no_figures() -> None:
    empty = Side(run=run("a", faults=()), findings=(), operations=(), seconds={})
    assert {(row.a, row.b, row.better) for row in comparison.figure_rows(empty, empty)} == {("–", "–", "")}
    assert all(line.times_s == () for line in comparison.lines(empty, "a"))


def test_operations_of_either_side() -> None:
    cell = Operation(phase="p", op="buy", outcome="ok", count=1, p50_ms=1, p95_ms=100.0, p99_ms=1, max_ms=1)
    a = Side(run=run("a"), findings=(), operations=[cell], seconds={})
    b = Side(run=run("b"), findings=(), operations=[], seconds={})
    assert ("p95 of buy (ok), p", "100 ms", "–") in [(row.what, row.a, row.b) for row in comparison.figure_rows(a, b)]


def test_the_axis_starts_where_the_fault_does() -> None:
    a, b = side("naive"), side("hardened")
    served = comparison.lines(a, "naive")[0]
    assert served.times_s == (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
    lines = [*comparison.lines(a, "naive"), *comparison.lines(b, "hardened")]
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
