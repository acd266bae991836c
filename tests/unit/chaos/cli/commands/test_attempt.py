"""The commands of the learner's own variant."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.cli.commands import attempt
from chaos.config import CHECKOUT
from tests.unit.chaos.adapters.servers import Http
from tests.unit.chaos.cli.shell import Shell


def test_attempt_manage_is_djangos_own_command_line(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[tuple[str, ...]] = []
    monkeypatch.setattr("chaos.cli.commands.attempt.hand_over", lambda *words: handed.append(words))
    assert shell("attempt", "manage", "makemigrations", "shop", "--dry-run").code == 0
    assert handed == [("services.stack", "manage", "--variant", "attempt", "makemigrations", "shop", "--dry-run")]
    assert shell("attempt", "manage").code == 2


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What attempts and drafts were made of, instead of in this checkout."""
    found: list[str] = []
    monkeypatch.setattr(attempt.attempts, "SHOP", tmp_path)
    monkeypatch.setattr(attempt.drafts, "make_base", lambda base: found.append(f"draft {base}"))

    def reset(*, base: str) -> tuple[Path, Path | None]:
        found.append(f"attempt {base}")
        return CHECKOUT / "services/shop/attempt", CHECKOUT / "services/shop/attempt.backup-1"

    monkeypatch.setattr(attempt.attempts, "reset", reset)
    monkeypatch.setattr(attempt.attempts, "start", lambda: CHECKOUT / "services/shop/attempt")
    return found


def test_an_attempt_at_a_drill_starts_from_its_draft_and_keeps_the_old_one(shell: Shell, made: list[str]) -> None:
    said = shell("attempt", "start", "--drill", "2", "--seed", "4")
    assert made == ["draft draft_2_4", "attempt draft_2_4"]
    made_from, *steps = said.out.splitlines()
    assert made_from == (
        "your attempt is services/shop/attempt, made from draft_2_4; "
        "the old one is kept in services/shop/attempt.backup-1"
    )
    assert steps[0] == "Next:"
    assert steps[1].endswith("firedrill drill 2")
    assert steps[3].endswith("firedrill run queries/reads --variant attempt")


def test_a_seed_that_nobody_asked_for_is_a_fresh_one(shell: Shell, made: list[str]) -> None:
    for _ in range(8):
        assert shell("attempt", "start", "--drill", "orm-queries").code == 0
    assert len(set(made)) > 2


def test_a_drill_without_drafts_starts_from_naive(shell: Shell, made: list[str]) -> None:
    assert "made from naive" in shell("attempt", "start", "--drill", "3").out
    assert made == ["draft naive", "attempt naive"]
    assert "services/shop/attempt: run a scenario" in shell("attempt", "start").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--seed", "4"), "--seed: got it without --drill, expected both"),
        (("--drill", "3", "--seed", "4"), "--seed: got 4, expected none: drill 3 starts from naive, which has no seed"),
        (("--drill", "7"), "drill: got '7', expected one of 1 (api-contract)"),
        (("--drill", "2", "--seed", "-1"), "should be greater than or equal to 0"),
        (("--drill", "2", "--seed", "2147483648"), "should be less than or equal to 2147483647"),
    ],
)
def test_what_no_attempt_can_be_made_of(shell: Shell, made: list[str], words: tuple[str, ...], said: str) -> None:
    found = shell("attempt", "start", *words)
    assert (found.code, made) == (2, [])
    assert said in " ".join(found.err.replace("│", " ").split())


def test_drill_6_has_its_sample_to_read_also_after_a_reset(
    shell: Shell, made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []

    def start(seed: int) -> tuple[Path, None]:
        begun.append(seed)
        return CHECKOUT / "services/shop/attempt/review", None

    monkeypatch.setattr(attempt.reviews, "start", start)
    (tmp_path / "attempt").mkdir()
    (tmp_path / "attempt" / ".base").write_text("draft_6_4\n")
    for words in (("start", "--drill", "6", "--seed", "4"), ("reset",)):
        said = shell("attempt", *words)
        assert "read and annotate services/shop/attempt/review/*.py" in said.out
    assert (begun, made) == ([4, 4], [])


def test_a_reset_starts_from_the_same_base(shell: Shell, made: list[str], tmp_path: Path) -> None:
    (tmp_path / "attempt").mkdir()
    (tmp_path / "attempt" / ".base").write_text("draft_2_4\n")
    assert "is a fresh copy of draft_2_4; the old one is kept in" in shell("attempt", "reset").out
    assert made == ["draft draft_2_4", "attempt draft_2_4"]


def test_the_key_is_told_of_the_attempt_s_own_draft_and_goes_on_record(
    shell: Shell, made: list[str], tmp_path: Path, scorecard: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = shell("reveal", "2")
    assert (said.code, said.out) == (2, "")
    assert "attempt: got one that was made from naive, expected one from a draft of drill 2" in said.err
    (tmp_path / "attempt").mkdir()
    (tmp_path / "attempt" / ".base").write_text("draft_2_4\n")
    said = shell("reveal", "2")
    assert (said.code, said.out) == (4, "")
    assert "expected it to note a hint; the key is told only when that is on record" in said.err
    scorecard.json("PUT /api/drills/orm-queries/hints/answer-key/", {})
    said = shell("reveal", "2")
    assert said.code == 0
    assert said.out.startswith("draft_2_4: ")
    assert shell("reveal", "orm-queries", "--json").json["variant"] == "draft_2_4"
    assert shell("reveal", "4").code == 2


def test_the_key_is_not_told_while_the_scorecard_is_down(shell: Shell, made: list[str], tmp_path: Path) -> None:
    (tmp_path / "attempt").mkdir()
    (tmp_path / "attempt" / ".base").write_text("draft_2_4\n")
    said = shell("reveal", "2")
    assert (said.code, said.out) == (4, "")
    shell.stack()
    said = shell("reveal", "2")
    assert (said.code, said.out) == (4, "")
