"""A re-run: what is compared, what is not verified, and what can be signed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from chaos.adapters.clean_checkout import Ended
from chaos.drills.mentor.opening import opened
from chaos.drills.mentor.rerun import Rerun, rerun, worst_of
from chaos.drills.mentor.sign_off import require_mentor, sign_off
from chaos.errors import InvalidInput, LabBroken
from tests.unit.chaos.cli.commands.delivering import Learner, learner
from tests.unit.chaos.cli.conftest import shell

__all__ = ["learner", "shell"]


class Checkout:
    """A clean checkout in which commands end as they are told. *asked*: what was asked of it, in order."""

    def __init__(self, learner: Learner, *, verdict: str = "held", patch: bytes | None = None) -> None:
        self.learner, self.verdict = learner, verdict
        self.patch = learner.patch if patch is None else patch
        self.asked: list[str] = []
        self.verified = Ended(code=0, out="held", err="")
        self.checked: Ended | None = None

    def make(self, source: Path, *, at: str = "HEAD") -> str:
        self.asked.append("make" if at == "HEAD" else f"make {at}")
        return "abc"

    def attempt(self, options: Sequence[str], patch: bytes) -> None:
        self.asked.append(f"attempt {' '.join(options)}".strip())
        assert patch == self.learner.patch

    def command(self, *words: str, timeout_s: float = 1.0, must: bool = False) -> Ended:
        self.asked.append(words[0])
        if words[0] == "verify":
            assert (Path(words[1]) / "verdict.json").is_file(), "it was unpacked"
            return self.verified
        if words[0] != "check":
            return Ended(code=0, out="", err="")
        return self.checked or self._check(int(words[words.index("--seed") + 1]))

    def _check(self, seed: int) -> Ended:
        self.learner.oversold = self.verdict == "violated"
        run = self.learner.ran(seed, patch=self.patch, learner="")
        tried = {"seed": seed, "verdict": self.verdict, "folder": str(run.folder), "reason": ""}
        item = {"name": "own/steady", "verdict": self.verdict, "reason": "so", "tries": [tried]}
        document = {"parts": {"core": {"verdict": self.verdict, "items": [item]}}}
        return Ended(code=0, out=json.dumps(document), err="")


@pytest.fixture
def zipped(learner: Learner, tmp_path: Path) -> Path:
    learner.checked()
    learner.deliver("--seed", "77", "--to", str(tmp_path / "out"))
    (path,) = (tmp_path / "out").glob("*.zip")
    return path


def again(zipped: Path, checkout: Checkout, seed: int = 4711) -> Rerun:
    said: list[str] = []
    say: Callable[[str], None] = said.append
    return rerun(opened(zipped), seed=seed, part="core", source=Path("/"), checkout=checkout, say=say)


def test_no_line_differs(learner: Learner, zipped: Path) -> None:
    checkout = Checkout(learner)
    found = again(zipped, checkout)
    assert checkout.asked == ["make", *["verify"] * 4, "attempt", "up", "check", "down"]
    assert (found.verified, found.unverified, found.differ, worst_of(found)) == (4, (), [], "held")


def test_at_another_revision(learner: Learner, zipped: Path) -> None:
    checkout, said = Checkout(learner), list[str]()
    rerun(opened(zipped), seed=4711, part="core", source=Path("/"), checkout=checkout, say=said.append, at="v1")
    assert checkout.asked[0] == "make v1"
    assert "run again at abc: where the base was changed in between, the patch may not apply (--at " in said[0]


def test_a_verdict_that_differs_is_named(learner: Learner, zipped: Path) -> None:
    found = again(zipped, Checkout(learner, verdict="violated"))
    (line,) = found.differ
    assert (line.name, line.told, line.found) == ("own/steady", "held", "violated")
    assert worst_of(found) == "violated"


def test_evidence_from_which_its_verdict_does_not_follow_is_worse_than_undecided(
    learner: Learner, zipped: Path
) -> None:
    checkout = Checkout(learner)
    checkout.verified = Ended(code=2, out="", err="verdict.json: got held, expected violated\n")
    found = again(zipped, checkout)
    assert found.unverified[0].endswith(": verdict.json: got held, expected violated")
    assert (found.verified, worst_of(found)) == (0, "violated")


def test_a_seed_that_the_learner_ran_is_refused_before_anything(learner: Learner, zipped: Path) -> None:
    checkout = Checkout(learner)
    with pytest.raises(InvalidInput, match="got 77, which the learner has run"):
        again(zipped, checkout, seed=77)
    assert checkout.asked == []


@pytest.mark.parametrize(("code", "error"), [(2, InvalidInput), (4, LabBroken)])
def test_a_check_without_a_report_ends_the_stack_all_the_same(
    learner: Learner, zipped: Path, code: int, error: type[Exception]
) -> None:
    checkout = Checkout(learner)
    checkout.checked = Ended(code=code, out='{"error": {}}', err="firedrill: attempt: got nothing\n")
    with pytest.raises(error, match="attempt: got nothing"):
        again(zipped, checkout)
    assert checkout.asked[-1] == "down"


def test_what_held_is_signed(learner: Learner, zipped: Path) -> None:
    told = opened(zipped).told
    notes = 'Ünïcode, "read".'
    document = json.loads(sign_off(told, again(zipped, Checkout(learner)), mentor=" Grace ", notes=notes))
    content: dict[str, Any] = document["content"]
    assert (content["mentor"], content["notes"], content["drill"], content["code"]) == (
        "Grace", notes, "concurrency", told.code,
    )  # fmt: skip
    assert [run["seed"] for run in content["runs"]] == [4711]
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert document["digest"] == hashlib.sha256(canonical.encode()).hexdigest(), "as the scorecard has it"


def test_nothing_else_is_signed(learner: Learner, zipped: Path) -> None:
    told = opened(zipped).told
    with pytest.raises(InvalidInput, match="got a re-run that is violated"):
        sign_off(told, again(zipped, Checkout(learner, verdict="violated")), mentor="Grace", notes="")
    learner.oversold = False
    with pytest.raises(InvalidInput, match="of other code than was delivered"):
        sign_off(told, again(zipped, Checkout(learner, patch=b"other"), seed=4712), mentor="Grace", notes="")


@pytest.mark.parametrize(("mentor", "notes"), [("", ""), ("x" * 101, ""), ("a\0", ""), ("Grace", "x" * 10_001)])
def test_names_and_notes_that_no_scorecard_takes(mentor: str, notes: str) -> None:
    with pytest.raises(InvalidInput):
        require_mentor(mentor, notes)
