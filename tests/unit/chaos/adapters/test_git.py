"""Branches made in a real repository, and what stays as it was."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from chaos.adapters.git import Commit, is_repository, make_branches
from chaos.errors import InvalidInput

UNDER = "services/shop/attempt"


def git(top: Path, *words: str) -> str:
    somebody = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    return subprocess.run(["git", *somebody, *words], cwd=top, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def top(tmp_path: Path) -> Path:
    top = tmp_path / "checkout"
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    (top / "README").write_text("r\n")
    git(top, "add", ".")
    git(top, "commit", "-qm", "First")
    return top


def commits(mended: bytes = b"new\n") -> list[Commit]:
    given = {f"{UNDER}/a.py": b"old\n", f"{UNDER}/gone.py": b"x\n", f"{UNDER}/.base": b"draft_1_4\n"}
    after = {f"{UNDER}/a.py": mended, f"{UNDER}/tests/test_a.py": b"t\n", f"{UNDER}/.base": b"draft_1_4\n"}
    return [Commit(branch="base", message="As given", files=given), Commit(branch="fix", message="Mended", files=after)]


def test_the_difference_is_the_change(top: Path) -> None:
    (top / "README").write_text("not committed\n")
    (top / "staged").write_text("s\n")
    git(top, "add", "staged")
    make_branches(top, commits(), under=UNDER)
    assert git(top, "diff", "--name-status", "base", "fix").split() == [
        "M", f"{UNDER}/a.py", "D", f"{UNDER}/gone.py", "A", f"{UNDER}/tests/test_a.py",
    ]  # fmt: skip
    assert git(top, "show", "fix:README") == "r\n"
    assert git(top, "merge-base", "main", "fix") == git(top, "rev-parse", "main")
    assert git(top, "status", "--porcelain").splitlines() == [" M README", "A  staged"]
    assert git(top, "branch", "--show-current") == "main\n"


def test_ours_is_made_anew(top: Path) -> None:
    make_branches(top, commits(), under=UNDER)
    make_branches(top, commits(b"newer\n"), under=UNDER)
    assert git(top, "show", f"fix:{UNDER}/a.py") == "newer\n"
    assert git(top, "rev-list", "--count", "main..fix") == "2\n"


def test_somebody_elses_branch_stays(top: Path) -> None:
    git(top, "branch", "fix")
    with pytest.raises(InvalidInput, match="got a fix that somebody else made"):
        make_branches(top, commits(), under=UNDER)
    assert git(top, "branch", "--list", "base") == ""


def test_a_branch_that_is_checked_out_stays(top: Path) -> None:
    make_branches(top, commits(), under=UNDER)
    git(top, "switch", "-q", "fix")
    with pytest.raises(InvalidInput, match="got fix, which is checked out"):
        make_branches(top, commits(b"newer\n"), under=UNDER)


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    make_branches(tmp_path, commits(), under=UNDER)
    assert git(tmp_path, "show", f"fix:{UNDER}/a.py") == "new\n"


def test_a_folder_inside_of_a_repository_is_none(top: Path) -> None:
    (top / "inside").mkdir()
    assert is_repository(top)
    assert not is_repository(top / "inside")
