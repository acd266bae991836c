"""Which revision of the checkout is at work, and which one judged a folder."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from chaos.config import CHECKOUT, git_revision_file
from chaos.errors import InvalidInput
from chaos.evidence.files import read_json
from chaos.model.folder import File
from launch import environment


def git_revision() -> str:
    """Of the checkout, with `+changes` when files differ from it; empty outside of git.

    A container has no git: there it is what the host wrote down when it started the stack or the run.
    """
    try:
        return ask_git("describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude=*").strip()
    except (OSError, subprocess.SubprocessError):
        with suppress(OSError, UnicodeDecodeError):
            return git_revision_file().read_text().strip()
        return ""


def ask_git(*words: str) -> str:
    """What git says of the checkout, and of no repository around it. Raises: OSError, SubprocessError."""
    command = ["git", "-c", f"safe.directory={CHECKOUT}", *words]
    environ = environment.for_programs() | {"GIT_CEILING_DIRECTORIES": str(CHECKOUT.parent)}
    return subprocess.run(
        command, cwd=CHECKOUT, env=environ, capture_output=True, text=True, timeout=10, check=True
    ).stdout


def judged_elsewhere(folder: Path) -> str:
    """A sentence when *folder* was judged at another revision than this checkout's: then the two may judge apart."""
    try:
        manifest = read_json(folder / File.MANIFEST, dict[str, Any])
        then = str(manifest["about"]["git_revision"])
    except (InvalidInput, KeyError, TypeError):
        return ""
    now = git_revision()
    if not then or not now or then == now:
        return ""
    return f"judged at revision {then[:10]}, this is {now[:10]}: if no file was changed, verify it there"
