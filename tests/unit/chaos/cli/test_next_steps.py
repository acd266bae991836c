"""What a command tells a person to do next."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaos.cli import next_steps
from chaos.cli.commands import COMMANDS, Entry
from chaos.cli.next_steps import after_check, after_run, after_selftest
from chaos.drills.catalogue import Drill
from chaos.drills.check import Passed, Report, Try
from chaos.drills.results import RunResult
from chaos.drills.selftest import Complaint, Proof
from chaos.evidence.writing import encode
from chaos.load import find_scenario, load_scenario
from chaos.model.folder import File
from chaos.model.verdict import Counterexample, Finding, FindingKind, Verdict, plain
from tests.unit.chaos.cli.shell import Shell
from tests.unit.chaos.documents import document

SCENARIO = "interleaving/last-seats"
DRILL = Drill(key="concurrency", number=3, title="T", core=(SCENARIO, "interleaving/same-key"), stretch=("x/y",))


def finding(check: str, verdict: Verdict, *, shown: bool = True) -> Finding:
    example = Counterexample(says="Both took it.", operations=("a",)) if shown else None
    return Finding(check=check, kind=FindingKind.INVARIANT, verdict=verdict, expected="", counterexample=example)


def result(variant: str, verdict: Verdict, *findings: Finding) -> RunResult:
    told = msgspec.structs.replace(
        document(scenario=SCENARIO, variant=variant, verdict=str(verdict)), findings=tuple(findings)
    )
    return RunResult(
        folder=Path("/evidence/20261101-x"), variant=variant, verdict=verdict, findings=tuple(findings), document=told
    )


@pytest.fixture(autouse=True)
def surroundings(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No stack, no runs, no attempt, no command of another branch; the program is called by its name."""
    monkeypatch.setattr(next_steps, "SHOP", tmp_path / "shop")
    monkeypatch.setattr(next_steps, "program", lambda: "firedrill")
    monkeypatch.setattr(next_steps.catalogue, "drills", lambda: (DRILL,))
    others = {name: entry for name, entry in COMMANDS.items() if name not in ("hint", "score", "drill", "watch")}
    monkeypatch.setattr(next_steps, "COMMANDS", others)


def do(steps: list[next_steps.Step]) -> list[str]:
    return [step.do for step in steps]


def held_before(evidence: Path, scenario: str) -> None:
    folder = evidence / f"20261102-{scenario.replace('/', '-')}"
    folder.mkdir(parents=True)
    (folder / File.JOURNAL).touch()
    told = document(scenario=scenario, variant="attempt", verdict="held")
    (folder / File.VERDICT).write_bytes(encode(plain(told)))


def test_after_a_violation_of_ones_own_code() -> None:
    found = (
        finding("slo:x", Verdict.VIOLATED, shown=False), finding("a", Verdict.HELD),
        finding("b", Verdict.VIOLATED), finding("c", Verdict.VIOLATED),
    )  # fmt: skip
    steps = after_run(result("attempt", Verdict.VIOLATED, *found), asked=["last-seats", "--seed", "4"])
    assert do(steps) == [
        "firedrill explain 20261101-x b",
        "firedrill run last-seats --seed 4 --variant attempt",
    ]
    assert steps[0].why == "what shows b, on one time line; without its name also another violated check"


def test_after_counted_queries_comes_what_each_request_asked() -> None:
    found = result("attempt", Verdict.VIOLATED, finding("queries_do_not_grow", Verdict.VIOLATED))
    assert do(after_run(found, asked=["queries/reads"]))[:2] == [
        "firedrill explain 20261101-x queries_do_not_grow", "firedrill queries --run 20261101-x",
    ]  # fmt: skip


def test_the_hint_is_named_where_the_command_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(next_steps.COMMANDS, "hint", Entry("hint", "A hint."))
    monkeypatch.setitem(next_steps.COMMANDS, "watch", Entry("watch", "A look."))
    assert do(after_run(result("attempt", Verdict.VIOLATED), asked=["x"]))[:2] == [
        "firedrill hint 3", "firedrill watch 3",
    ]  # fmt: skip
    assert "firedrill hint 3" not in do(after_run(result("naive", Verdict.VIOLATED), asked=["x"]))


@pytest.mark.parametrize("variant", ["naive", "hardened"])
def test_after_code_of_the_lab_comes_ones_own(variant: str, tmp_path: Path) -> None:
    asked = result(variant, Verdict.VIOLATED)
    assert do(after_run(asked, asked=["x"])) == ["firedrill attempt start --drill 3"]
    (tmp_path / "shop" / "attempt").mkdir(parents=True)
    assert do(after_run(asked, asked=["x"])) == ["firedrill run x --variant attempt"]


def test_after_hardened_held_naive_is_shown() -> None:
    steps = after_run(result("hardened", Verdict.HELD), asked=["x"])
    assert do(steps)[0] == "firedrill run x --variant naive"


def test_a_run_that_can_not_tell_is_repeated() -> None:
    steps = after_run(result("attempt", Verdict.INCONCLUSIVE), asked=["a b", "--seed", "1"])
    assert do(steps) == ["firedrill run 'a b' --seed 1 --variant attempt"]


def test_after_a_hold_the_next_scenario_and_what_decides(shell: Shell) -> None:
    held_before(shell.evidence, SCENARIO)
    steps = after_run(result("attempt", Verdict.HELD), asked=["last-seats"])
    assert do(steps) == ["firedrill run interleaving/same-key --variant attempt", "firedrill check 3"]
    assert steps[0].why == "the next one: 1 of 2 scenarios of drill 3's core held when they last ran"
    held_before(shell.evidence, "interleaving/same-key")
    (step,) = after_run(result("attempt", Verdict.HELD), asked=["last-seats"])
    assert step.do == "firedrill check 3"
    assert step.why.startswith("decides: with its core passed you may score drill 3 with 2 (2 of 2 scenarios")


@pytest.fixture
def listening(shell: Shell) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        shell.stack(dashboard=url)
        yield url


def test_the_page_is_named_while_the_dashboard_is_up(shell: Shell, listening: str) -> None:
    assert do(after_run(result("naive", Verdict.VIOLATED), asked=["x"]))[-1] == f"{listening}/run?run=20261101-x"
    shell.stack()  # an address book whose dashboard does not listen
    assert not any("run?run=" in each for each in do(after_run(result("naive", Verdict.VIOLATED), asked=["x"])))


def report(core: Verdict, stretch: Verdict | None = None, *, variant: str = "attempt") -> Report:
    def passed(name: str, verdict: Verdict) -> Passed:
        tries = tuple(
            Try(seed=seed, verdict=verdict, folder=f"/evidence/2026-{name[0]}{seed}", reason="") for seed in (1, 2)
        )
        return Passed(name=name, verdict=verdict, reason="", tries=tries)

    parts: dict[Any, tuple[Passed, ...]] = {"core": (passed("a", Verdict.HELD), passed("b", core))}
    if stretch is not None:
        parts["stretch"] = (passed("c", stretch),)
    return Report(drill=DRILL, variant=variant, first_seed=1, parts=parts)


def test_after_a_check_that_is_not_passed() -> None:
    steps = after_check(report(Verdict.VIOLATED))
    assert [(step.do, step.why) for step in steps] == [("firedrill explain 2026-b2", "why b is not passed")]
    assert do(after_check(report(Verdict.INCONCLUSIVE))) == ["firedrill check 3"]


def test_own_tests_that_decide_do_not_hide_the_run_to_explain() -> None:
    """They have no run of their own."""
    mine = Passed(name="own tests", verdict=Verdict.VIOLATED, reason="none is red")
    told = report(Verdict.VIOLATED)
    both = replace(told, parts={"core": (mine, *told.parts["core"])})
    assert do(after_check(both)) == ["firedrill explain 2026-b2"]


def test_after_a_core_that_is_passed_comes_the_score(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = after_check(report(Verdict.HELD))
    assert do(steps) == ["make dashboard", "firedrill check 3 --part stretch", "firedrill deliver 3"]
    assert steps[0].why.startswith("drill 3 with 2, on the page Scores")
    monkeypatch.setitem(next_steps.COMMANDS, "score", Entry("score", "Your score."))
    steps = after_check(report(Verdict.HELD, Verdict.HELD))
    assert do(steps) == [
        "firedrill score 3 2 --notes 'what you learnt'", "firedrill check 3 --seed 101", "firedrill deliver 3",
    ]  # fmt: skip
    assert after_check(report(Verdict.HELD, variant="hardened")) == []


def test_after_a_self_test() -> None:
    scenario = load_scenario(find_scenario(SCENARIO))
    naive = result("naive", Verdict.VIOLATED, finding("no_oversell", Verdict.VIOLATED))
    hardened = result("hardened", Verdict.HELD)
    proof = Proof(scenario=scenario, naive=naive, hardened=hardened, differences=())
    assert do(after_selftest([proof])) == [
        "firedrill explain 20261101-x no_oversell", "firedrill attempt start --drill 3",
    ]  # fmt: skip
    unlike = replace(proof, differences=(Complaint("hardened: got it violated", True),))
    assert do(after_selftest([proof, unlike])) == [f"firedrill selftest {SCENARIO}"]
    assert after_selftest([]) == []


def test_the_call_works_where_the_caller_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    program = tmp_path / ".venv" / "bin" / "firedrill"
    program.parent.mkdir(parents=True)
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program.with_name("python")))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)
    assert next_steps.command("list") == ".venv/bin/firedrill list"
    monkeypatch.chdir("/")
    assert next_steps.program() == str(program).lstrip("/")
    monkeypatch.chdir(program.parent.parent.parent.parent)
    monkeypatch.setenv("PATH", str(program.parent))
    assert next_steps.program() == "firedrill"
