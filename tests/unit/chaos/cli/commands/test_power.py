"""Self-tests of mutants, their record and their page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from chaos.cli.commands import power
from chaos.model.journal import BY_USER
from tests.unit.chaos.cli.shell import FakeLab, Shell, finished


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A record and a page of its own instead of docs/."""
    monkeypatch.setattr(power, "RECORD", tmp_path / "power.jsonl")
    monkeypatch.setattr(power, "PAGE", tmp_path / "power.md")
    monkeypatch.setattr(power, "revision", lambda: "abc")
    return tmp_path


@pytest.mark.parametrize(("oversold", "code", "sign"), [(True, 0, "✔"), (False, 1, "✗")])
def test_selftest_of_a_mutant(shell: Shell, fake: FakeLab, record: Path, oversold: bool, code: int, sign: str) -> None:
    fake.results = {
        "mutant_check_then_act": finished(shell.evidence, "mutant_check_then_act", oversold=oversold),
        "hardened": finished(shell.evidence, "hardened"),
    }
    command = ("selftest", "--mutants", "check_then*", "--seeds", "2", "--write")
    said = shell(*command)
    assert said.code == code
    assert f"{sign}  check_then_act  concurrency/flash-sale  no_oversell  caught {2 if oversold else 0}/2" in said.out
    assert [asked[1:] for asked in fake.asked] == [
        (variant, seed) for seed in (1, 2) for variant in ("hardened", "mutant_check_then_act")
    ]
    page = (record / "power.md").read_text()
    assert f"| {sign} | `check_then_act`: " in page
    assert len((record / "power.jsonl").read_text().splitlines()) == 4
    fake.asked.clear()
    said = shell(*command, "--json")
    assert (said.code, said.json["exit_code"], fake.asked) == (code, code, [])
    assert shell(*command, "--again").code == code
    assert len(fake.asked) == 4


def test_a_trial_that_was_stopped_is_not_on_record(shell: Shell, fake: FakeLab, record: Path) -> None:
    """A run that ended by Ctrl-C says nothing of the mutant."""
    stopped = finished(shell.evidence, "hardened")
    fake.results = {"hardened": replace(stopped, document=msgspec.structs.replace(stopped.document, aborted=BY_USER))}
    said = shell("selftest", "--mutants", "check_then*", "--write")
    assert said.code == 3
    assert "concurrency/flash-sale on hardened: got stopped, expected a run to its end" in said.err
    assert not (record / "power.jsonl").exists()


def test_a_record_that_can_t_be_read(shell: Shell, fake: FakeLab, record: Path) -> None:
    (record / "power.jsonl").write_text("{}\n")
    said = shell("selftest", "--mutants", "--write")
    assert said.code == 2
    assert "power.jsonl: got Object missing required field" in said.err


def test_mutants_are_listed(shell: Shell) -> None:
    said = shell("mutants", "--json")
    assert said.code == 0
    assert {"name": "check_then_act", "drill": 3, "scenario": "concurrency/flash-sale", "caught_by": "no_oversell"} in [
        {key: row[key] for key in ("name", "drill", "scenario", "caught_by")} for row in said.json
    ]
    assert "check_then_act  3  concurrency/flash-sale  no_oversell" in shell("mutants").out


def test_selftest_of_no_mutant(shell: Shell, fake: FakeLab) -> None:
    said = shell("selftest", "--mutants", "nonesuch")
    assert said.code == 2
    assert "mutants: got 'nonesuch', expected a pattern that matches one of" in said.err
    assert shell("selftest", "--mutants", "--all").code == 2
    assert fake.asked == []
