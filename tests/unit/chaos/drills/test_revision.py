"""Which revision is at work: that of this checkout and of no repository around it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from chaos.drills import revision


def test_no_other_repository_gives_its_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that variables name nor one that the checkout was unpacked into."""
    ours = revision.git_revision()
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True, timeout=30)
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    command = ["git", "-C", str(tmp_path), *who, "commit", "--quiet", "--allow-empty", "--message", "theirs"]
    subprocess.run(command, check=True, timeout=30)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert revision.git_revision() == ours
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    monkeypatch.setattr(revision, "CHECKOUT", unpacked)
    monkeypatch.setenv("FIREDRILL_LAB_DIR", str(tmp_path))
    assert revision.git_revision() == ""


def test_the_git_revision_is_that_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(revision.git_revision().removesuffix("+changes")) == 40
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("FIREDRILL_LAB_DIR", str(tmp_path))
    assert revision.git_revision() == ""
    (tmp_path / "git-revision").write_text("abc+changes\n")  # as in a container, from its host
    assert revision.git_revision() == "abc+changes"
    assert os.environ["PATH"] == str(tmp_path)
