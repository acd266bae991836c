"""A check, and the bundle of it for a mentor."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chaos.drills import conclude as conclusions
from chaos.drills.catalogue import Drill
from chaos.drills.conclude import conclude
from tests.unit.chaos.adapters.servers import Http
from tests.unit.chaos.cli.shell import FakeLab, Shell, finished
from tests.unit.chaos.runs import run_of, write_run


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


def checked(
    shell: Shell,
    *,
    part: str = "core",
    stamp: str = "20261123-120000",
    patch: bytes | None = b"",
    seeds: tuple[int, ...] = (7, 8, 9),
    learner: str = "Ada",
    base: str = "naive",
) -> list[str]:
    """A check of drill 3 that held, as `firedrill check` leaves it. Returns the runs' ids."""
    names, tries = [], []
    for seed in seeds:
        names.append(f"20261123-101502-steady-attempt-s{seed}")
        run = run_of(shell.evidence, names[-1], variant="attempt", seed=seed, learner=learner, versions={"base": base})
        folder = write_run(run)
        if patch is not None:
            (folder / "attempt.patch").write_bytes(patch)
        conclude(folder, index=None, say=pytest.fail)
        tries.append({"seed": seed, "verdict": "held", "folder": str(folder), "reason": "held"})
    item = {"name": "own/steady", "verdict": "held", "reason": "held | [in](http://a.row)", "tries": tries}
    document = {"drill": 3, "key": "concurrency", "variant": "attempt", "exit_code": 0}
    document["parts"] = {part: {"verdict": "held", "items": [item]}}
    (shell.evidence / "checks").mkdir(exist_ok=True)
    (shell.evidence / "checks" / f"{stamp}-concurrency-attempt.json").write_text(json.dumps(document))
    return names


def bundled(shell: Shell, to: Path) -> Path:
    """The folder that a mentor unpacks."""
    assert shell("bundle", "3", "--to", str(to / "for mentor.zip")).code == 0
    with zipfile.ZipFile(to / "for mentor.zip") as archive:
        archive.extractall(to)
    return to / "for-mentor"


def test_a_bundle_stands_alone(shell: Shell, tmp_path: Path) -> None:
    """It is read on another machine: what it says is verified there, from what is in it."""
    core = checked(shell, patch=b"diff")
    stretch = checked(shell, part="stretch", stamp="20261124-120000", patch=b"diff", seeds=(10, 11, 12))
    top = bundled(shell, tmp_path / "out")
    assert sorted(path.name for path in top.iterdir()) == ["README.md", "attempt.patch", "check.json", "runs"]
    assert (top / "attempt.patch").read_bytes() == b"diff"
    assert {path.name for path in (top / "runs").iterdir()} == {*core, *stretch}
    for name in core:
        assert shell("verify", str(top / "runs" / name)).out.startswith(f"{name}: held: ")
        assert (top / "runs" / name / "report.html").is_file()
    page = (top / "README.md").read_text()
    assert page.startswith("# Drill 3, Async tasks and concurrency: Ada\n")
    assert "## Core: ● passed\n" in page
    began = json.loads((shell.evidence / core[0] / "verdict.json").read_text())["started_at"][:16]
    assert f"[seed 7, scale 1, {began}](runs/{core[0]}/report.html) ● held; [seed 8, " in page
    assert "| own/steady | held \\| \\[in\\](http://a.row) |" in page
    assert "as it ran in 6 runs." in page
    assert "- Learner of all runs: Ada." in page
    assert "used up are 7, 8, 9, 10, 11, 12." in page
    assert json.loads((top / "check.json").read_text())["learner"] == "Ada"


def test_a_bundle_takes_the_newest_check_and_says_what_is_not_one_and_the_same(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked(shell, seeds=(1, 2, 3), stamp="20261121-120000", patch=b"never mind")
    monkeypatch.setattr(conclusions, "git_revision", lambda: "abc")
    other = checked(shell, seeds=(4, 5, 6), stamp="20261122-120000", patch=b"old", learner="![B](http://b/b.png)")
    monkeypatch.setattr(conclusions, "git_revision", lambda: "def+changes")
    newest = checked(shell, part="stretch", seeds=(7, 8, 9), stamp="20261123-120000", patch=b"new")
    top = bundled(shell, tmp_path)
    page = (top / "README.md").read_text()
    assert "as it ran in 3 runs." in page
    assert f"**Other code** ran in 3 runs: `{other[0]}`, " in page
    assert f"**Not all of one revision**: `abc`: `{other[0]}`, " in page
    assert "**The lab's own files had changes** in 3 runs" in page
    assert f"**Not all of one learner**: \\!\\[B\\](http://b/b.png): `{other[0]}`, " in page
    assert " clone of Firedrill at revision `abc`; " in page
    assert (top / "attempt.patch").read_bytes() == b"new"
    assert {path.name for path in (top / "runs").iterdir()} == {*other, *newest}


def test_a_bundle_knows_from_what_its_code_was_made(shell: Shell, tmp_path: Path) -> None:
    core = checked(shell, patch=b"diff")
    checked(shell, part="stretch", stamp="20261124-120000", patch=b"diff", seeds=(90, 91, 92), base="draft_2_4")
    page = (bundled(shell, tmp_path) / "README.md").read_text()
    assert "`attempt.patch` is what was changed in a fresh attempt of `draft_2_4`, as it ran in 3 runs." in page
    assert f"**Other code** ran in 3 runs: `{core[0]}`, " in page, "the same patch, of another base"
    assert f"**Not all of one base**: `naive`: `{core[0]}`, " in page
    assert "   .venv/bin/firedrill attempt start --drill 2 --seed 4\n" in page


def test_a_bundle_of_runs_that_kept_no_code_says_so(shell: Shell, scorecard: Http, tmp_path: Path) -> None:
    """Nor whose they were: then the name is the one that the scorecard has."""
    scorecard.json("GET /api/learner/", {"name": "Ada <Lovelace>", "version": 2})
    names = checked(shell, patch=None, learner="")
    top = bundled(shell, tmp_path)
    page = (top / "README.md").read_text()
    assert page.startswith("# Drill 3, Async tasks and concurrency: Ada &lt;Lovelace>\n")
    assert f"**No code was kept** with 3 runs: `{names[0]}`, " in page
    assert "- Learner of all runs: no name." in page
    assert "## Stretch: not checked" in page
    assert "git apply" not in page
    assert not (top / "attempt.patch").exists()


def test_what_was_changed_or_is_gone_is_not_bundled(shell: Shell) -> None:
    name, *_ = checked(shell)
    path = shell.evidence / name / "verdict.json"
    path.write_bytes(path.read_bytes().replace(b"held", b"HELD"))
    said = shell("bundle", "3")
    assert said.code == 2
    assert said.err.startswith(f"firedrill: {name}: verdict.json: got ")
    shutil.rmtree(shell.evidence / name)
    said = shell("bundle", "3")
    assert (said.code, said.out) == (2, "")
    assert "got no such folder, expected an evidence folder" in said.err
    assert not (shell.evidence / "bundles").exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda part, item: item["tries"][0].update(verdict="inconclusive"), "seed 7, inconclusive, expected"),
        (lambda part, item: item["tries"][0].update(seed=70), "with seed 70, held, expected own/steady of drill 3"),
        (lambda part, item: item.update(name="concurrency/flash-sale"), "got concurrency/flash-sale of drill 3"),
        (lambda part, item: item["tries"].pop(), "own/steady: got held, expected inconclusive from 2 tries"),
        (lambda part, item: item["tries"].clear(), "got held, expected inconclusive from 0 tries"),
        (lambda part, item: item["tries"].__setitem__(2, item["tries"][1]), "expected inconclusive from 3 tries"),
        (lambda part, item: item.update(verdict="violated"), "own/steady: got violated, expected held from 3 tries"),
        (lambda part, item: part.update(verdict="violated"), "core: got violated, expected held from its parts"),
        (lambda part, item: part.update(items=[]), "core: got held, expected inconclusive from its parts"),
    ],
)
def test_a_check_that_says_otherwise_than_its_runs_is_not_bundled(
    shell: Shell, change: Callable[[dict[str, Any], dict[str, Any]], None], problem: str
) -> None:
    """It has no seal: anybody may have edited it."""
    checked(shell)
    (path,) = (shell.evidence / "checks").iterdir()
    document = json.loads(path.read_text())
    change(document["parts"]["core"], document["parts"]["core"]["items"][0])
    path.write_text(json.dumps(document))
    said = shell("bundle", "3")
    assert said.code == 2
    assert problem in said.err


def test_a_line_that_is_no_scenario_needs_no_tries(shell: Shell, tmp_path: Path) -> None:
    checked(shell)
    (path,) = (shell.evidence / "checks").iterdir()
    document = json.loads(path.read_text())
    document["parts"]["core"]["items"].append({"name": "refactor", "verdict": "held", "reason": "0 still work"})
    path.write_text(json.dumps(document))
    page = (bundled(shell, tmp_path) / "README.md").read_text()
    assert "| ● held | refactor | 0 still work |  |" in page
    assert "- Lines without tries stand as the learner's own lab told them." in page


def test_nothing_to_bundle(shell: Shell, tmp_path: Path) -> None:
    said = shell("bundle", "3")
    assert said.code == 2
    assert said.err == "firedrill: bundle: got no check of drill 3 on 'attempt', expected one (firedrill check 3)\n"
    assert shell("bundle", "9").code == 2
    checked(shell)
    assert shell("bundle", "3", "--variant", "*").code == 2
    assert shell("bundle", "3", "--variant", "\udcff").code == 2
    for to in (tmp_path, tmp_path / "\udcff.zip"):
        assert shell("bundle", "3", "--to", str(to)).code == 2
    (tmp_path / "file").write_text("")
    assert shell("bundle", "3", "--to", str(tmp_path / "file" / "x.zip")).code == 4
    (shell.evidence / "checks" / "20261130-000000-concurrency-attempt.json").write_text('{"parts": 3}')
    said = shell("bundle", "3")
    assert said.code == 2
    assert "20261130-000000-concurrency-attempt.json: got " in said.err


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
