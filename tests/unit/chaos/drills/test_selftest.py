"""The self-test: what makes a scenario prove itself, and which runs get a second chance."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.drills.results import RunResult
from chaos.drills.selftest import Proof, selftest
from chaos.errors import InvalidInput
from chaos.load import parse_scenario
from chaos.model.verdict import Finding, FindingKind, Verdict, overall
from chaos.scenario import Scenario
from tests.unit.chaos.documents import document
from tests.unit.chaos.scenarios import WHERE, bent

HELD, VIOLATED, UNKNOWN = Verdict.HELD, Verdict.VIOLATED, Verdict.INCONCLUSIVE
TEXT = bent(
    (
        "  - {recovers_within: 5s}",
        "  - {recovers_within: 5s}\n  - {invariant: sells_out}\n  - {invariant: no_lost_orders}",
    ),
    ("{must: [no_oversell], may: [recovers_within]}", "{must: [no_oversell, no_lost_orders], may: [sells_out]}"),
)
GOOD_NAIVE = {"no_oversell": VIOLATED, "no_lost_orders": VIOLATED, "sells_out": HELD, "recovers_within": HELD}
GOOD_HARDENED = dict.fromkeys(GOOD_NAIVE, HELD)
LAG = "self_check:send_lag"
KINDS = {"recovers_within": "recovery", LAG: "self_check", "fault:1": "fault"}


def scenario() -> Scenario:
    return parse_scenario(TEXT, name="own/x", where=WHERE)


def result(verdicts: dict[str, Verdict], *, spoiled: bool = False, name: str = "r") -> RunResult:
    findings = tuple(
        Finding(
            check=check,
            kind=FindingKind(KINDS.get(check, "invariant")),
            verdict=verdict,
            expected="x",
            reason="late" if verdict is UNKNOWN else "",
        )
        for check, verdict in verdicts.items()
    )
    return RunResult(
        folder=Path(name),
        variant="v",
        verdict=overall(findings),
        findings=findings,
        document=document(),
        spoiled=spoiled,
    )


class Runs:
    """Hands out prepared results and remembers what was asked for."""

    def __init__(self, **results: list[RunResult]) -> None:
        self.results, self.asked, self.said = results, list[str](), list[str]()

    def run(self, variant: str) -> RunResult:
        self.asked.append(variant)
        return self.results[variant].pop(0)

    def proof(self) -> Proof:
        return selftest(scenario(), run=self.run, say=self.said.append)


def prove(naive: dict[str, Verdict] | None = None, hardened: dict[str, Verdict] | None = None) -> Proof:
    return Runs(
        naive=[result({**GOOD_NAIVE, **(naive or {})})], hardened=[result({**GOOD_HARDENED, **(hardened or {})})]
    ).proof()


def test_a_scenario_that_proves_itself() -> None:
    runs = Runs(naive=[result(GOOD_NAIVE)], hardened=[result(GOOD_HARDENED)])
    proof = runs.proof()
    assert (proof.exit_code, proof.complaints) == (0, ())
    assert runs.asked == ["naive", "hardened"]
    assert runs.said == []


def test_what_naive_may_violate_it_may() -> None:
    assert prove(naive={"sells_out": VIOLATED}).exit_code == 0


@pytest.mark.parametrize(
    ("naive", "hardened", "complaints", "exit_code"),
    [
        pytest.param(
            {"no_oversell": HELD}, {}, ("naive: got no_oversell held, expected violated",), 1, id="a must held"
        ),
        pytest.param(
            {"no_oversell": UNKNOWN},
            {},
            ("naive: got no_oversell not decided, expected violated",),
            3,
            id="a must not decided",
        ),
        pytest.param(
            {"recovers_within": VIOLATED},
            {},
            ("naive: got recovers_within violated, expected it not to be",),
            1,
            id="violated outside must and may",
        ),
        pytest.param({"recovers_within": UNKNOWN}, {}, (), 0, id="what naive says of the others does not count"),
        pytest.param(
            {LAG: UNKNOWN},
            {},
            ("naive: got self_check:send_lag inconclusive (late)",),
            3,
            id="naive was not run well",
        ),
        pytest.param(
            {"fault:1": UNKNOWN}, {}, ("naive: got fault:1 inconclusive (late)",), 3, id="naive did not feel the fault"
        ),
        pytest.param(
            {},
            {"no_oversell": VIOLATED},
            ("hardened: got violated (no_oversell violated), expected held",),
            1,
            id="hardened violated",
        ),
        pytest.param(
            {},
            {LAG: UNKNOWN},
            ("hardened: got inconclusive (self_check:send_lag inconclusive), expected held",),
            3,
            id="hardened inconclusive",
        ),
        pytest.param(
            {"no_oversell": HELD},
            {LAG: UNKNOWN},
            (
                "naive: got no_oversell held, expected violated",
                "hardened: got inconclusive (self_check:send_lag inconclusive), expected held",
            ),
            1,
            id="both",
        ),
    ],
)
def test_differences(
    naive: dict[str, Verdict], hardened: dict[str, Verdict], complaints: tuple[str, ...], exit_code: int
) -> None:
    proof = prove(naive, hardened)
    assert (proof.complaints, proof.exit_code) == (complaints, exit_code)


def test_a_spoiled_run_is_repeated_and_both_are_on_record() -> None:
    spoiled = result({**GOOD_HARDENED, LAG: UNKNOWN}, spoiled=True, name="first")
    runs = Runs(naive=[result(GOOD_NAIVE)], hardened=[spoiled, result(GOOD_HARDENED, name="second")])
    proof = runs.proof()
    assert proof.exit_code == 0
    assert runs.asked == ["naive", "hardened", "hardened"]
    assert [run.folder.name for run in proof.tries] == ["r", "first", "second"]
    assert proof.hardened.folder.name == "second"
    assert runs.said == ["hardened: the machine spoiled this run; trying once more (first stays on record)"]


def test_a_run_that_is_spoiled_again_is_not_repeated_for_ever() -> None:
    spoiled = [result({**GOOD_HARDENED, LAG: UNKNOWN}, spoiled=True) for _ in range(5)]
    runs = Runs(naive=[result(GOOD_NAIVE)], hardened=spoiled)
    proof = runs.proof()
    assert (proof.exit_code, len(proof.tries)) == (3, 4)
    assert runs.asked == ["naive", "hardened", "hardened", "hardened"]


def test_naive_gets_a_second_chance_too() -> None:
    """An exact invariant is violated all the same, so its verdict alone would not show that the machine was slow."""
    spoiled = result({**GOOD_NAIVE, LAG: UNKNOWN, "no_oversell": UNKNOWN}, spoiled=True)
    assert spoiled.verdict is VIOLATED
    runs = Runs(naive=[spoiled, result(GOOD_NAIVE)], hardened=[result(GOOD_HARDENED)])
    assert runs.proof().exit_code == 0
    assert runs.asked == ["naive", "naive", "hardened"]


def test_a_certain_difference_is_not_repeated() -> None:
    broken = result({**GOOD_HARDENED, "no_oversell": VIOLATED, LAG: UNKNOWN}, spoiled=True)
    runs = Runs(naive=[result(GOOD_NAIVE)], hardened=[broken, result(GOOD_HARDENED)])
    assert runs.proof().exit_code == 1
    assert runs.asked == ["naive", "hardened"]


def test_what_was_not_the_machine_s_doing_is_not_repeated() -> None:
    runs = Runs(naive=[result(GOOD_NAIVE)], hardened=[result({**GOOD_HARDENED, "fault:1": UNKNOWN})])
    assert runs.proof().exit_code == 3
    assert runs.asked == ["naive", "hardened"]


def test_a_scenario_without_proves_is_refused_before_any_run() -> None:
    text = TEXT[: TEXT.index("proves:")]
    runs = Runs()
    with pytest.raises(InvalidInput, match=r"^own/x: proves: got nothing, expected what the self-test has to see$"):
        selftest(parse_scenario(text, name="own/x", where=WHERE), run=runs.run, say=runs.said.append)
    assert runs.asked == []
