"""A check."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.drills.catalogue import Drill
from chaos.errors import Inconclusive
from tests.unit.chaos.cli.shell import FakeLab, Shell, finished


def test_a_check_with_too_little_load_is_refused_before_anything_runs(shell: Shell, fake: FakeLab) -> None:
    said = shell("check", "5", "--variant", "hardened", "--scale", "0.5")
    assert (said.code, said.out, fake.asked) == (2, "", [])
    assert said.err == (
        "firedrill: --scale: got 0.5, expected at least 0.75: below it a pass says nothing (measured with mutants)\n"
    )


def test_a_check_of_a_drill_with_drafts_wants_an_attempt_of_that_drill(
    shell: Shell, fake: FakeLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chaos.cli.commands.check.SHOP", tmp_path)
    monkeypatch.setattr("chaos.cli.commands.check.require_known", lambda _: None)
    one = Drill(key="orm-queries", number=2, title="ORM", core=("concurrency/flash-sale",))
    monkeypatch.setattr("chaos.cli.commands.check.catalogue.drill", lambda _: one)
    said = shell("check", "2")
    assert (said.code, said.out, fake.asked) == (2, "", [])
    assert "attempt: got one that was made from naive, expected one from a draft of drill 2" in said.err
    (tmp_path / "attempt").mkdir()
    for base in ("draft_1_4", "draft_2_4"):
        (tmp_path / "attempt" / ".base").write_text(base)
        fake.results["attempt"] = finished(shell.evidence, "attempt")
        assert (shell("check", "2").code == 2) == (base == "draft_1_4")
        assert bool(fake.asked) == (base == "draft_2_4")


def test_a_list_that_can_not_be_read_is_told_before_anything_runs(
    shell: Shell, fake: FakeLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chaos.cli.commands.check.SHOP", tmp_path)
    monkeypatch.setattr("chaos.cli.commands.check.require_known", lambda _: None)
    contract = tmp_path / "attempt" / "contract"
    contract.mkdir(parents=True)
    (contract.parent / ".base").write_text("draft_1_4")
    (contract / "discrepancies.md").write_text("| operation | what |\n|---|---|\n")
    (contract / "openapi.yaml").write_text("swagger: '2.0'\npaths: {}\n")
    said = shell("check", "1")
    assert (said.code, said.out, fake.asked) == (2, "", [])
    assert "discrepancies.md:1: got the columns operation, what" in said.err
    assert "openapi.yaml: openapi: got 'swagger 2.0', expected '3.1.0'" in said.err


def test_a_check_that_is_stopped_says_what_became_of_its_runs(shell: Shell, fake: FakeLab) -> None:
    fake.results["hardened"] = Inconclusive("last-seats on hardened: got stopped by SIGINT, expected to run it")
    said = shell("check", "3", "--variant", "hardened")
    assert said.code == 3
    assert said.err.endswith(
        "last-seats on hardened: got stopped by SIGINT, expected to run it\n"
        "firedrill: the check is not kept, so deliver has none; "
        "the runs that ended count, and firedrill drill 3 shows them\n"
    )
