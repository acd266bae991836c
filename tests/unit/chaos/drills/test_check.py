from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chaos.cli.check import check_text
from chaos.drills.catalogue import Drill
from chaos.drills.check import MOST_INCONCLUSIVE, Passed, Report, check, passes
from chaos.drills.results import RunResult
from chaos.errors import ExitCode
from chaos.load import parse_scenario
from chaos.model.verdict import Finding, FindingKind, Verdict
from tests.unit.chaos.documents import document
from tests.unit.chaos.scenarios import GOOD


def scenario():
    return parse_scenario(GOOD, name="own/small", where="own.yaml")


HELD, VIOLATED, UNKNOWN = Verdict.HELD, Verdict.VIOLATED, Verdict.INCONCLUSIVE


@dataclass
class Lab:
    """Runs that end as scripted; the last one for ever."""

    verdicts: list[Verdict]
    seeds: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def run(self, asked, seed):
        self.seeds.append(seed)
        verdict = self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]
        finding = Finding(check="no_oversell", kind=FindingKind.INVARIANT, verdict=verdict, expected="e")
        return RunResult(
            folder=Path(f"run-{seed}"),
            variant="attempt",
            verdict=verdict,
            findings=(finding,),
            document=document(summary=f"{verdict}!", seed=seed),
        )

    def passes(self, holds):
        return passes(scenario(), holds=holds, first_seed=5, run=self.run, say=self.said.append)


@pytest.mark.parametrize(
    ("verdicts", "holds", "expected", "runs"),
    [
        ([HELD], 3, HELD, 3),
        ([HELD], 1, HELD, 1),
        ([HELD, HELD, VIOLATED], 3, VIOLATED, 3),
        ([VIOLATED, HELD], 3, VIOLATED, 1),
        ([HELD, UNKNOWN, HELD, HELD], 3, HELD, 4),
        ([UNKNOWN, UNKNOWN, HELD], 1, HELD, 3),
        ([UNKNOWN], 1, UNKNOWN, MOST_INCONCLUSIVE + 1),
        ([HELD, HELD, UNKNOWN], 3, UNKNOWN, 5),
    ],
)
def test_holds_in_a_row_on_different_seeds(verdicts, holds, expected, runs):
    lab = Lab(list(verdicts))
    found = lab.passes(holds)
    assert found.verdict is expected
    assert lab.seeds == list(range(5, 5 + runs))
    assert [t.seed for t in found.tries] == lab.seeds  # every try is kept
    assert len(lab.said) == runs


def test_a_violation_names_the_seed_and_the_check():
    assert Lab([HELD, VIOLATED]).passes(3).reason == "violated on seed 6: no_oversell"


def report(key, parts, *, verdicts, own=HELD, holds=1, besides=lambda part, found: ()):
    lab, asked = Lab(list(verdicts)), []

    def own_tests():
        asked.append("own")
        return Passed(name="own tests", verdict=own, reason="r")

    one = Drill(key=key, number=4, title="T", core=("a",), stretch=("b",), holds=holds)
    found = check(
        one,
        parts,
        variant="attempt",
        first_seed=1,
        scenario=lambda name: scenario(),
        run=lab.run,
        own_tests=own_tests,
        say=lab.said.append,
        besides=besides,
    )
    return found, lab, asked


def test_a_drill_says_how_often_its_scenarios_have_to_hold():
    assert report("concurrency", ("core",), verdicts=[HELD], holds=3)[1].seeds == [1, 2, 3]
    assert report("system-failure", ("core",), verdicts=[HELD])[1].seeds == [1]


def test_core_and_stretch_are_told_apart_and_the_worst_is_the_exit_code():
    found, _, _ = report("system-failure", ("core", "stretch"), verdicts=[HELD, VIOLATED])
    assert (found.verdict("core"), found.verdict("stretch")) == (HELD, VIOLATED)
    assert found.exit_code is ExitCode.VIOLATED
    assert report("system-failure", ("core",), verdicts=[HELD])[0].exit_code is ExitCode.HELD


def test_own_tests_belong_to_the_core_of_drills_1_and_4_only():
    found, _, asked = report("auth", ("core", "stretch"), verdicts=[HELD], own=VIOLATED)
    assert asked == ["own"]
    assert found.verdict("core") is VIOLATED
    assert found.verdict("stretch") is HELD
    assert report("auth", ("stretch",), verdicts=[HELD])[2] == []
    assert report("concurrency", ("core",), verdicts=[HELD])[2] == []


def test_what_the_learner_wrote_counts_in_each_part():
    def written(part, found):
        return (Passed(name="list", verdict=HELD if part == "core" else VIOLATED, reason="r"),)

    found, _, asked = report("api-contract", ("core", "stretch"), verdicts=[HELD], besides=written)
    assert asked == ["own"]
    assert [one.name for one in found.parts["core"]] == ["own tests", scenario().name, "list"]
    assert (found.verdict("core"), found.verdict("stretch")) == (HELD, VIOLATED)


def test_a_part_of_which_nothing_was_run_is_no_pass():
    empty = Report(drill=Drill(key="x", number=1, title="t"), variant="attempt", first_seed=1, parts={"core": ()})
    assert empty.exit_code is ExitCode.INCONCLUSIVE


def test_a_run_that_chose_its_own_seed_is_named_by_it():
    """One that grades notes is of the sample's seed."""
    found = RunResult(folder=Path("run"), variant="attempt", verdict=VIOLATED, findings=(), document=document(seed=9))
    one = passes(scenario(), holds=1, first_seed=5, run=lambda *_: found, say=lambda _: None)
    assert one.tries[0].seed == 9
    assert "on seed 9" in one.reason


def test_what_it_prints():
    found, _, _ = report("concurrency", ("core",), verdicts=[HELD, UNKNOWN, VIOLATED], holds=3)
    assert check_text(found) == (
        "Drill 4, T, on attempt\n"
        "\n"
        "core: not passed\n"
        f"  ■ violated  {scenario().name}: violated on seed 3: no_oversell\n"
        "      try 1, seed 1: held  run-1\n"
        "      try 2, seed 2: inconclusive  run-2\n"
        "        inconclusive!\n"
        "      try 3, seed 3: violated  run-3\n"
        "        violated!\n"
    )
