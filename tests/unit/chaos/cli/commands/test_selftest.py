"""Self-tests: what proves itself, what does not, and what can't tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chaos.drills.results import RunResult
from chaos.errors import Inconclusive, LabBroken
from tests.unit.chaos.cli.shell import FakeLab, Shell, finished
from tests.unit.chaos.runs import TEXT


def test_selftest_that_proves_itself(shell: Shell, fake: FakeLab, steady: str) -> None:
    fake.results = {
        "naive": finished(shell.evidence, "naive", oversold=True),
        "hardened": finished(shell.evidence, "hardened"),
    }
    said = shell("selftest", steady, "--json")
    assert said.code == 0
    (proof,) = said.json["scenarios"]
    assert (said.json["exit_code"], proof["exit_code"], proof["complaints"]) == (0, 0, [])
    assert said.json["next"][0]["do"].endswith(" explain 20261123-101502-steady-naive no_oversell")
    assert (proof["naive"]["verdict"], proof["hardened"]["verdict"]) == ("violated", "held")
    assert [one["variant"] for one in proof["tries"]] == ["naive", "hardened"]
    said = shell("selftest", steady)
    assert said.code == 0
    assert "✔ the scenario proved itself: violated on naive as named, held on hardened" in said.out
    assert f"evidence: {shell.evidence}/20261123-101502-steady-naive/report.html (naive: violated)" in said.out


def test_selftest_unlike_proves(shell: Shell, fake: FakeLab, steady: str) -> None:
    fake.results = {"naive": finished(shell.evidence, "naive"), "hardened": finished(shell.evidence, "hardened")}
    said = shell("selftest", steady)
    assert said.code == 1
    assert "✗ naive: got no_oversell held, expected violated" in said.out


def test_selftest_that_can_t_tell(shell: Shell, fake: FakeLab, steady: str) -> None:
    fake.results = {
        "naive": finished(shell.evidence, "naive", oversold=True),
        "hardened": finished(shell.evidence, "hardened", late=True),
    }
    said = shell("selftest", steady, "--json")
    assert (said.code, said.json["exit_code"]) == (3, 3)
    assert [one["variant"] for one in said.json["scenarios"][0]["tries"]] == ["naive", *["hardened"] * 3]


def test_selftest_of_several_ends_with_a_table_even_when_the_lab_breaks(
    shell: Shell, fake: FakeLab, steady: str, tmp_path: Path
) -> None:
    second = tmp_path / "second.yaml"
    second.write_text(TEXT)
    naive, hardened = finished(shell.evidence, "naive", oversold=True), finished(shell.evidence, "hardened")
    fake.results = {"naive": naive, "hardened": hardened}
    said = shell("selftest", steady, str(second))
    assert said.code == 0
    assert (
        "scenario  outcome   hardened  runs  naive violated\n"
        "steady    ✔ proved  held      2     no_oversell\n"
        "second    ✔ proved  held      2     no_oversell\n"
        "2 of 2 scenarios proved themselves\n\nNext:\n"
    ) in said.out
    results = iter([naive, hardened])

    def breaks(*_: Any) -> RunResult:
        if (result := next(results, None)) is None:
            raise LabBroken("toxiproxy: got nothing, expected an answer")
        return result

    fake.run = breaks  # type: ignore[method-assign]
    said = shell("selftest", steady, str(second))
    assert said.code == 4
    assert said.out.endswith("1 of 2 scenarios proved themselves\n")


def test_selftest_takes_patterns(shell: Shell, fake: FakeLab) -> None:
    fake.results = {"naive": Inconclusive("enough")}
    assert shell("selftest", "concurrency/flash-*").code == 3
    assert fake.asked == [("flash-sale", "naive", None)]
    said = shell("selftest", "concurrency/none-*")
    assert said.code == 2
    assert "scenario: got 'concurrency/none-*', expected a pattern that matches one of" in said.err


def test_selftest_needs_something_to_prove_before_it_starts_anything(
    shell: Shell, fake: FakeLab, tmp_path: Path
) -> None:
    path = tmp_path / "silent.yaml"
    path.write_text(TEXT[: TEXT.index("proves:")])
    said = shell("selftest", str(path))
    assert said.code == 2
    assert said.err == "firedrill: silent: proves: got nothing, expected what the self-test has to see\n"
    assert (said.out, fake.asked) == ("", [])  # no session was begun
