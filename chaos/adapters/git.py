"""Makes a branch in a git repository from contents alone: no file of the work tree and nothing staged is touched."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaos.errors import InvalidInput, LabBroken
from launch import environment

TIMEOUT_S: Final = 60.0
MARK: Final = "Made-by: firedrill deliver"
"""The last line of each message: a branch whose tip has it is ours to make anew."""
SOMEBODY: Final = ("-c", "user.name=learner", "-c", "user.email=learner@localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit: *branch* then points to it.

    Attributes:
        files: Path in the repository → content; it has nothing else below the place that they belong to.
    """

    branch: str
    message: str
    files: Mapping[str, bytes]


def is_repository(top: Path) -> bool:
    """Whether *top* itself is one; one around it does not count."""
    try:
        return _git(top, "rev-parse", "--show-prefix").strip() == b""
    except LabBroken:
        return False


def make_branches(top: Path, commits: Sequence[Commit], *, under: str) -> None:
    """Commit on top of HEAD, one commit on the other. A branch of that name that we made is made anew.

    Raises:
        InvalidInput: When a branch is somebody else's, or checked out.
        LabBroken: When git does not do what it is asked.
    """
    for commit in commits:
        _free(top, commit.branch)
    somebody = () if _knows_who(top) else SOMEBODY
    parent = _found(top, "HEAD")
    made: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, commit in enumerate(commits):
            index = Path(scratch) / f"index-{number}"
            tree = _tree(top, commit.files, parent, index, under)
            message = f"{commit.message.strip()}\n\n{MARK}\n".encode()
            over = ("-p", parent) if parent else ()
            parent = _git(top, *somebody, "commit-tree", tree, *over, given=message).decode().strip()
            made.append((commit.branch, parent))
    for branch, commit_id in made:
        _git(top, "update-ref", "--create-reflog", f"refs/heads/{branch}", commit_id)


def _free(top: Path, branch: str) -> None:
    name = f"refs/heads/{branch}"
    if not _found(top, name):
        return
    if f"branch {name}\n".encode() in _git(top, "worktree", "list", "--porcelain"):
        raise InvalidInput(f"branch: got {branch}, which is checked out, expected another to be (git switch -)")
    said = _git(top, "log", "-1", "--format=%B", name).decode(errors="replace").strip().splitlines()
    if not said or said[-1] != MARK:
        raise InvalidInput(f"branch: got a {branch} that somebody else made, expected none (git branch -m {branch} …)")


def _found(top: Path, name: str) -> str:
    """The commit that it is; empty for none."""
    try:
        return _git(top, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").decode().strip()
    except LabBroken:
        return ""


def _knows_who(top: Path) -> bool:
    try:
        _git(top, "var", "GIT_COMMITTER_IDENT")
        _git(top, "var", "GIT_AUTHOR_IDENT")
    except LabBroken:
        return False
    return True


def _tree(top: Path, files: Mapping[str, bytes], parent: str, index: Path, under: str) -> str:
    """Of *parent*, with *files* in place of what is below *under*."""
    if parent:
        _git(top, "read-tree", parent, index=index)
    old = _git(top, "ls-files", "-z", "--", under, index=index).split(b"\0")
    lines = [b"0 %s\t%s\0" % (b"0" * 40, path) for path in old if path]
    for path, content in sorted(files.items()):
        blob = _git(top, "hash-object", "-w", "--stdin", given=content).strip()
        lines.append(b"100644 %s\t%s\0" % (blob, path.encode()))
    _git(top, "update-index", "-z", "--index-info", index=index, given=b"".join(lines))
    return _git(top, "write-tree", index=index).decode().strip()


def _git(top: Path, *words: str, given: bytes = b"", index: Path | None = None) -> bytes:
    command = ["git", "-c", f"safe.directory={top}", "-c", "core.quotePath=false", *words]
    environ = environment.for_programs() | {"GIT_CEILING_DIRECTORIES": str(top.parent), "LC_ALL": "C"}
    environ |= {} if index is None else {"GIT_INDEX_FILE": os.fspath(index)}
    try:
        done = subprocess.run(
            command, cwd=top, env=environ, input=given, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabBroken(f"git {words[0]}: got {error}, expected an answer") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
        raise LabBroken(f"git {words[0]}: got {said[-1]}, expected it to work")
    return done.stdout
