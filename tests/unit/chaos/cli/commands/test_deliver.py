"""`firedrill deliver`: what is refused, what the fresh seed decides, and what a mentor gets."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chaos.drills import conclude as conclusions
from chaos.model.deliverable import unsealed
from tests.unit.chaos.adapters.servers import Http
from tests.unit.chaos.cli.commands.delivering import Learner, learner
from tests.unit.chaos.cli.shell import Shell

__all__ = ["learner"]


@pytest.mark.parametrize("drill", ["1", "2", "3", "6"])
def test_a_file_where_a_folder_belongs(shell: Shell, tmp_path: Path, drill: str) -> None:
    (tmp_path / "mine").write_text("kept")
    for odd in (tmp_path / "mine", tmp_path / "mine" / "below"):
        said = shell("deliver", drill, "--to", str(odd))
        assert (said.code, said.out) == (2, "")
        assert f"--to: got {odd}, expected a folder, or the name of a new one" in said.err
    assert (tmp_path / "mine").read_text() == "kept"


def test_the_zip_stands_alone(learner: Learner, shell: Shell, tmp_path: Path) -> None:
    """It is read on another machine: what it says is verified there, from what is in it."""
    core = learner.checked()
    top = learner.delivered(tmp_path / "out", "--seed", "77")
    assert sorted(path.name for path in top.iterdir()) == [
        "README.md", "SHA256SUMS", "attempt.patch", "deliver.json", "deliverable", "runs",
    ]  # fmt: skip
    assert (top / "attempt.patch").read_bytes() == learner.patch
    fresh = "20261123-101502-steady-attempt-s77"
    assert {path.name for path in (top / "runs").iterdir()} == {*core, fresh}
    for name in (*core, fresh):
        assert shell("verify", str(top / "runs" / name)).out.startswith(f"{name}: held: ")
    page = (top / "README.md").read_text()
    assert page.startswith("# Drill 3, Async tasks and concurrency: Ada\n")
    assert "Core and a seed that nobody had run before: ● passed." in page
    assert "## Fresh seed 77: ● passed\n" in page
    assert "## Core: ● passed\n" in page
    assert "## Stretch: not checked" in page
    assert "| own/steady | held \\| \\[in\\](http://a.row) |" in page
    assert "as it ran in 4 runs." in page
    assert "used up are 7, 8, 9, 77." in page
    assert 'with `--sign "Your Name"` writes a file when that held' in page
    text = (top / "deliverable" / "concurrency.md").read_text()
    assert "| row lock | `views.py:2` | `seats = free().select_for_update()` |" in text
    assert "+seats = free().select_for_update()" in text
    assert (tmp_path / "out" / "drill-3" / "concurrency.md").read_text() == text
    for line in (top / "SHA256SUMS").read_text().splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((top / name).read_bytes()).hexdigest() == digest
    told = unsealed((top / "deliver.json").read_bytes())
    assert (told.verdict, told.fresh_seed, told.learner, len(told.tries)) == ("held", 77, "Ada", 4)
    assert set(told.files) == {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()} - {
        "deliver.json", "SHA256SUMS",
    }  # fmt: skip


def test_the_seed_is_drawn_and_is_none_that_was_run(learner: Learner, tmp_path: Path) -> None:
    learner.checked()
    assert learner.deliver("--seed", "8").code == 2
    learner.delivered(tmp_path / "out")
    ((variant, seed),) = learner.asked
    assert variant == "attempt"
    assert seed not in (7, 8, 9)


def test_what_fits_the_seeds_of_before_only_does_not_pass(learner: Learner, tmp_path: Path) -> None:
    """A constant: it held in the check, and another seed shows it."""
    learner.checked()
    learner.oversold = True
    said = learner.deliver("--seed", "77", "--to", str(tmp_path / "out"))
    assert said.code == 1
    assert "■ drill 3 not passed, fresh seed 77 included" in said.out
    (path,) = (tmp_path / "out").glob("*.zip")
    assert path.name.startswith("ada-drill-3-")


def test_a_learner_without_a_name_is_told_before_the_mentor_asks(learner: Learner, tmp_path: Path) -> None:
    learner.named = ""
    learner.checked(learner="")
    said = learner.deliver("--seed", "77", "--to", str(tmp_path / "out"))
    assert "it says a learner without a name: the page Progress asks for yours" in said.out
    learner.named = "Ada"
    assert "without a name" not in learner.deliver("--seed", "78", "--to", str(tmp_path / "named")).out


@pytest.mark.parametrize("patch", [b"diff --git a/views.py b/views.py\n@@ -1 +1 @@\n+older\n", None])
def test_a_check_of_other_code_decides_nothing(learner: Learner, tmp_path: Path, patch: bytes | None) -> None:
    learner.checked(patch=patch)
    said = learner.deliver("--to", str(tmp_path / "out"))
    assert said.code == 3
    assert "but the check of the core was of other code than this, or kept none (firedrill check 3 again)." in said.out


def test_only_a_stretch_was_checked(learner: Learner, tmp_path: Path) -> None:
    learner.checked(part="stretch")
    said = learner.deliver("--to", str(tmp_path / "out"))
    assert said.code == 3
    assert "but the core was never checked (firedrill check 3)." in said.out


def test_code_that_changes_meanwhile_is_refused(learner: Learner, tmp_path: Path) -> None:
    learner.checked()
    learner.meanwhile = b"diff --git a/views.py b/views.py\n@@ -1 +1 @@\n+better\n"
    said = learner.deliver("--seed", "77", "--to", str(tmp_path / "out"))
    assert said.code == 2
    assert "got an attempt that was changed while 20261123-101502-steady-attempt-s77 ran" in said.err


def test_the_newest_check_of_each_part_and_what_is_not_one_and_the_same(
    learner: Learner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner.checked(seeds=(1, 2, 3), stamp="20261121-120000", patch=b"never mind")
    monkeypatch.setattr(conclusions, "git_revision", lambda: "abc")
    other = learner.checked(
        seeds=(4, 5, 6), stamp="20261122-120000", learner="![B](http://b/b.png)",
        patch=b"diff --git a/views.py b/views.py\n@@ -1 +1 @@\n+old\n",
    )  # fmt: skip
    monkeypatch.setattr(conclusions, "git_revision", lambda: "def+changes")
    newest = learner.checked(part="stretch", seeds=(7, 8, 9), stamp="20261123-120000")
    top = learner.delivered(tmp_path, "--seed", "77")
    page = (top / "README.md").read_text()
    assert "as it ran in 4 runs." in page
    assert f"**Other code** ran in 3 runs: `{other[0]}`, " in page
    assert f"**Not all of one revision**: `abc`: `{other[0]}`, " in page
    assert "**The lab's own files had changes** in 4 runs" in page
    assert f"**Not all of one learner**: \\!\\[B\\](http://b/b.png): `{other[0]}`, " in page
    assert " clone of Firedrill at revision `abc`; " in page
    assert {path.name for path in (top / "runs").iterdir()} == {
        *other, *newest, "20261123-101502-steady-attempt-s77",
    }  # fmt: skip
    told = unsealed((top / "deliver.json").read_bytes())
    assert len(told.tries) == 10, "the way there has every run, packed or not"
    assert sum(one.packed for one in told.tries) == 7


def test_what_the_scorecard_says_travels_along(learner: Learner, scorecard: Http, tmp_path: Path) -> None:
    scorecard.json("GET /api/drills/concurrency/", {
        "score": {"value": 2, "notes": "I <b>lock</b> the row"}, "standing": {"ceiling": 1, "reason": "A hint."},
    })  # fmt: skip
    drill = {"key": "concurrency", "hints": [{"hint": "lock", "solution": True, "used_at": "2026-11-20T10:00:00Z"}]}
    scorecard.json("GET /api/drill-map/", {"content": {"learner": "Ada <Lovelace>", "drills": [drill]}})
    learner.checked(learner="")
    top = learner.delivered(tmp_path)
    page = (top / "README.md").read_text()
    assert "- Hints opened: `lock` (solution) on 2026-11-20." in page
    assert "- Self-score: 2. Ceiling by evidence: 1. A hint." in page
    assert "<b>" not in page
    assert unsealed((top / "deliver.json").read_bytes()).own.ceiling == 1


def test_what_was_changed_or_is_gone_is_not_delivered(learner: Learner, shell: Shell) -> None:
    name, *_ = learner.checked()
    path = shell.evidence / name / "verdict.json"
    path.write_bytes(path.read_bytes().replace(b"held", b"HELD"))
    said = learner.deliver()
    assert said.code == 2
    assert said.err.startswith(f"firedrill: {name}: verdict.json: got ")
    shutil.rmtree(shell.evidence / name)
    said = learner.deliver()
    assert (said.code, said.out) == (2, "")
    assert "got no such folder, expected an evidence folder" in said.err
    assert not (shell.evidence / "deliverables").exists()
    assert learner.asked == [], "nothing runs for what will be refused"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda part, item: item["tries"][0].update(verdict="inconclusive"), "seed 7, inconclusive, expected"),
        (lambda part, item: item["tries"][0].update(seed=70), "with seed 70, held, expected own/steady of drill 3"),
        (lambda part, item: item.update(name="concurrency/flash-sale"), "got concurrency/flash-sale of drill 3"),
        (lambda part, item: part.update(items=[]), "core: got no own/steady, expected it there"),
        (lambda part, item: item["tries"].pop(), "own/steady: got held, expected inconclusive from 2 tries"),
        (lambda part, item: item["tries"].clear(), "got held, expected inconclusive from 0 tries"),
        (lambda part, item: item["tries"].__setitem__(2, item["tries"][1]), "expected inconclusive from 3 tries"),
        (lambda part, item: item.update(verdict="violated"), "own/steady: got violated, expected held from 3 tries"),
        (lambda part, item: part.update(verdict="violated"), "core: got violated, expected held from its parts"),
        (lambda part, item: part.update(items=[]), "core: got held, expected inconclusive from its parts"),
    ],
)
def test_a_check_that_says_otherwise_than_its_runs_is_not_delivered(
    learner: Learner, shell: Shell, change: Callable[[dict[str, Any], dict[str, Any]], None], problem: str
) -> None:
    """It has no seal: anybody may have edited it."""
    learner.checked()
    (path,) = (shell.evidence / "checks").iterdir()
    document = json.loads(path.read_text())
    change(document["parts"]["core"], document["parts"]["core"]["items"][0])
    path.write_text(json.dumps(document))
    said = learner.deliver()
    assert said.code == 2
    assert problem in said.err


def test_a_line_that_is_no_scenario_needs_no_tries(learner: Learner, shell: Shell, tmp_path: Path) -> None:
    learner.checked()
    (path,) = (shell.evidence / "checks").iterdir()
    document = json.loads(path.read_text())
    document["parts"]["core"]["items"].append({"name": "refactor", "verdict": "held", "reason": "0 still work"})
    path.write_text(json.dumps(document))
    page = (learner.delivered(tmp_path) / "README.md").read_text()
    assert "| ● held | refactor | 0 still work |  |" in page
    assert "- Lines without tries stand as the learner's own lab told them." in page
    assert "- refactor: it has no run, so it stands as the learner's own lab told it." in page


def test_nothing_to_deliver(learner: Learner, shell: Shell, tmp_path: Path) -> None:
    said = learner.deliver()
    assert said.code == 2
    assert said.err == "firedrill: deliver: got no check of drill 3 on 'attempt', expected one (firedrill check 3)\n"
    learner.checked()
    (path,) = (shell.evidence / "checks").iterdir()
    path.rename(path.with_name("20200101-000000-concurrency-attempt.json"))
    (shell.evidence / "checks" / "20200102-000000-concurrency-attempt.json").write_text('{"parts": 3}')
    assert "20200102-000000-concurrency-attempt.json: got " in learner.deliver().err
    views = learner.shop / "attempt" / "views.py"
    views.write_text((learner.shop / "naive" / "views.py").read_text())
    assert "got the code as it was given, expected it changed" in learner.deliver().err
    shutil.rmtree(learner.shop / "attempt")
    assert "got no attempt, expected one (firedrill attempt start)" in learner.deliver().err


def test_an_older_check_that_cannot_be_read_keeps_nothing_back(learner: Learner, shell: Shell, tmp_path: Path) -> None:
    learner.checked()
    (shell.evidence / "checks" / "20200101-000000-concurrency-attempt.json").write_text('{"parts": 3}')
    assert (learner.delivered(tmp_path) / "README.md").is_file()


def test_a_full_disk_leaves_no_half_zip(learner: Learner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learner.checked()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chaos.drills.deliverables.pack._fill", full)
    said = learner.deliver("--to", str(tmp_path / "out"))
    assert said.code == 4
    assert "got No space left on device, expected to write the deliverable" in said.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["drill-3"]
