"""`firedrill check 6` as a command: what runs, in which order, and how it ends."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from chaos.drills import check_review
from chaos.drills.results import RunResult
from chaos.model.verdict import Verdict
from tests.unit.chaos.cli.shell import FakeLab, Shell
from tests.unit.chaos.documents import document
from tests.unit.chaos.drills.test_check_review import shop, written

__all__ = ["shop"]


@pytest.fixture
def lab(fake: FakeLab, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeLab:
    """The attempt refuses what works on its draft."""
    monkeypatch.setattr(check_review, "begun", partial(check_review.begun, shop=shop))
    monkeypatch.setattr("chaos.cli.commands.check.require_known", lambda _: None)
    for variant, foreign, verdict in (("attempt", False, Verdict.HELD), ("draft_6_3", True, Verdict.VIOLATED)):
        folder = written(tmp_path / variant, foreign=foreign)
        fake.results[variant] = RunResult(
            folder=folder, variant=variant, verdict=verdict, findings=(), document=document(summary=str(verdict))
        )
    return fake


def test_the_attempt_runs_and_then_its_draft_on_the_same_seed(shell: Shell, lab: FakeLab, shop: Path) -> None:
    said = shell("check", "6", "--seed", "5", "--json")
    assert lab.asked == [
        ("notes", "attempt", 5), ("exploits", "attempt", 5), ("exploits", "draft_6_3", 5),
        ("closer-reading", "attempt", 5),
    ]  # fmt: skip
    core, stretch = (said.json["parts"][part]["items"] for part in ("core", "stretch"))
    assert [(one["name"], one["verdict"]) for one in core] == [
        ("review/notes", "held"), ("review/exploits", "held"), ("refactor", "inconclusive"),
    ]  # fmt: skip
    assert [one["name"] for one in stretch] == ["review/closer-reading"]
    assert said.code == 3  # one exploit of those that were planted worked before


def test_too_many_notes_are_refused_before_anything_runs(shell: Shell, lab: FakeLab, shop: Path) -> None:
    row = "- {{file: views.py, line: {}, cwe: CWE-20, severity: low, why: because}}\n"
    (shop / "attempt" / "review" / "notes.yaml").write_text("".join(row.format(n) for n in range(1, 60)))
    said = shell("check", "6")
    assert (said.code, lab.asked) == (2, [])
    assert "notes: got 59 of them, expected at most 25" in said.err
