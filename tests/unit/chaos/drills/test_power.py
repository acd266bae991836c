"""Power: what counts as caught, what is tried again, and what a record is good for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from chaos.drills.mutants import Mutant
from chaos.drills.power import Outcome, Row, Trial, measure, read_trials, rows, write_trials
from chaos.drills.results import RunResult
from chaos.model.verdict import Finding, FindingKind, Verdict, overall
from chaos.scenario import Scenario
from tests.unit.chaos.documents import document
from tests.unit.chaos.scenarios import good

HELD, VIOLATED, UNKNOWN = Verdict.HELD, Verdict.VIOLATED, Verdict.INCONCLUSIVE
SPOILED = {"no_oversell": UNKNOWN}
MUTANT = Mutant(
    name="one", title="One", drill=3, flaw="x", check="no_oversell", scenario="own/small", patch=Path("one.patch")
)


def result(verdicts: dict[str, Verdict], *, spoiled: bool = False, name: str = "r") -> RunResult:
    findings = tuple(
        Finding(check=check, kind=FindingKind.INVARIANT, verdict=verdict, expected="x")
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


class Lab:
    """Hands out prepared results by variant, the last one for ever."""

    def __init__(self, **results: list[RunResult]) -> None:
        self.results, self.asked = results, list[tuple[str, int]]()

    def run(self, scenario: Scenario, variant: str, seed: int) -> RunResult:
        self.asked.append((variant, seed))
        left = self.results[variant]
        return left.pop(0) if len(left) > 1 else left[0]

    def measure(self, *mutants: Mutant, seeds: int = 1, known: list[Trial] | None = None) -> list[Trial]:
        return measure(
            mutants or (MUTANT,), {"own/small": good()}, range(1, 1 + seeds),
            run=self.run, say=lambda _: None, revision="abc", known=known or (),
        )  # fmt: skip


def lab(*mutant: RunResult, hardened: RunResult | None = None) -> Lab:
    return Lab(hardened=[hardened or result({"no_oversell": HELD})], mutant_one=list(mutant))


@pytest.mark.parametrize(
    ("verdicts", "outcome"),
    [
        ({"no_oversell": VIOLATED}, Outcome.CAUGHT),
        ({"no_oversell": VIOLATED, "sells_out": VIOLATED}, Outcome.CAUGHT),
        ({"no_oversell": HELD, "sells_out": VIOLATED}, Outcome.OTHERS),
        ({"no_oversell": HELD}, Outcome.MISSED),
        ({"no_oversell": UNKNOWN}, Outcome.UNDECIDED),
        ({"no_oversell": UNKNOWN, "sells_out": VIOLATED}, Outcome.UNDECIDED),
        ({"sells_out": VIOLATED}, Outcome.UNDECIDED),
    ],
)
def test_what_a_mutant_s_run_shows(verdicts: dict[str, Verdict], outcome: Outcome) -> None:
    _, trial = lab(result(verdicts)).measure()
    assert (trial.subject, trial.outcome) == ("one", outcome)


@pytest.mark.parametrize(
    ("verdicts", "outcome"),
    [
        ({"no_oversell": HELD}, Outcome.HELD),
        ({"no_oversell": HELD, "slo:x": UNKNOWN}, Outcome.UNDECIDED),
        ({"no_oversell": UNKNOWN, "slo:x": VIOLATED}, Outcome.ALARM),
    ],
)
def test_what_a_run_of_hardened_shows(verdicts: dict[str, Verdict], outcome: Outcome) -> None:
    trial, _ = lab(result({"no_oversell": VIOLATED}), hardened=result(verdicts)).measure()
    assert (trial.subject, trial.outcome, trial.violated) == (
        "hardened", outcome, ["slo:x"] if outcome is Outcome.ALARM else [],
    )  # fmt: skip


def test_what_the_machine_spoiled_is_repeated_and_every_try_is_on_record() -> None:
    tried = lab(
        result(SPOILED, spoiled=True, name="a"), result(SPOILED, spoiled=True, name="b"),
        result({"no_oversell": VIOLATED}, name="c"),
    )  # fmt: skip
    _, trial = tried.measure()
    assert (trial.outcome, trial.runs) == (Outcome.CAUGHT, ["a", "b", "c"])


def test_not_for_ever() -> None:
    _, trial = lab(result(SPOILED, spoiled=True)).measure()
    assert (trial.outcome, len(trial.runs)) == (Outcome.UNDECIDED, 3)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(result(SPOILED), id="not the machine's doing"),
        pytest.param(result({"no_oversell": HELD}, spoiled=True), id="decided all the same"),
    ],
)
def test_what_is_not_repeated(first: RunResult) -> None:
    tried = lab(first, result({"no_oversell": VIOLATED}))
    tried.measure()
    assert tried.asked == [("hardened", 1), ("mutant_one", 1)]


def test_hardened_runs_once_per_scenario_and_seed() -> None:
    two = replace(MUTANT, name="two")
    tried = Lab(**{name: [result({"no_oversell": VIOLATED})] for name in ("hardened", "mutant_one", "mutant_two")})
    tried.measure(MUTANT, two, seeds=2)
    assert tried.asked == [(variant, seed) for seed in (1, 2) for variant in ("hardened", "mutant_one", "mutant_two")]


def test_what_is_on_record_is_not_measured_again_unless_it_stands_on_other_files() -> None:
    known = lab(result({"no_oversell": VIOLATED})).measure()
    tried = lab(result({"no_oversell": HELD}))
    assert tried.measure(known=known) == known
    assert tried.asked == []
    stale = [msgspec.structs.replace(trial, stands_on="other") for trial in known]
    assert tried.measure(known=stale)[1].outcome is Outcome.MISSED
    undecided = [msgspec.structs.replace(trial, outcome=Outcome.UNDECIDED) for trial in known]
    assert tried.measure(known=undecided)[1].outcome is Outcome.MISSED


def trial(outcome: Outcome, seed: int = 1, *, subject: str = "one", violated: tuple[str, ...] = ()) -> Trial:
    return Trial(
        subject=subject, scenario="own/small", seed=seed, outcome=outcome, violated=list(violated), runs=["r"],
        at="2026-11-24", revision="abc", stands_on="x",
    )  # fmt: skip


def row(*outcomes: Outcome, mutant: Mutant | None = MUTANT) -> Row:
    return Row(
        subject="one", scenario="own/small", mutant=mutant,
        trials=tuple(trial(outcome, seed) for seed, outcome in enumerate(outcomes)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (row(*[Outcome.CAUGHT] * 9, Outcome.MISSED), 0),
        (row(*[Outcome.CAUGHT] * 8, Outcome.MISSED, Outcome.OTHERS), 1),
        (row(*[Outcome.CAUGHT] * 8, Outcome.MISSED, Outcome.UNDECIDED), 3),
        (row(Outcome.OTHERS), 1),
        (row(Outcome.UNDECIDED), 3),
        (row(), 3),
        (row(Outcome.HELD, mutant=None), 0),
        (row(*[Outcome.HELD] * 9, Outcome.ALARM, mutant=None), 1),
        (row(Outcome.HELD, Outcome.UNDECIDED, mutant=None), 3),
    ],
)
def test_the_goal(found: Row, code: int) -> None:
    assert found.exit_code == code


def test_rows_count_other_checks_and_later_trials_replace_earlier_ones() -> None:
    trials = [
        trial(Outcome.MISSED, 1),
        trial(Outcome.CAUGHT, 1, violated=("no_oversell", "sells_out")),
        trial(Outcome.OTHERS, 2, violated=("sells_out", "slo:x")),
        trial(Outcome.HELD, 1, subject="hardened"),
    ]
    one, hardened = rows(trials, [MUTANT])
    assert [t.outcome for t in one.trials] == [Outcome.CAUGHT, Outcome.OTHERS]
    assert one.others == {"sells_out": 2, "slo:x": 1}
    assert (hardened.subject, hardened.count(Outcome.HELD)) == ("hardened", 1)


def test_the_record_keeps_the_latest_and_is_sorted(tmp_path: Path) -> None:
    path = tmp_path / "power.jsonl"
    assert read_trials(path) == []
    write_trials(path, [trial(Outcome.MISSED, 2), trial(Outcome.MISSED, 1), trial(Outcome.CAUGHT, 2)])
    assert [(t.seed, t.outcome) for t in read_trials(path)] == [(1, Outcome.MISSED), (2, Outcome.CAUGHT)]
