"""A user for PostgreSQL, which refuses to run as root, and folders that this user can reach."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.stack.errors import StackError

_CANDIDATES: Final = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged user of this machine."""

    name: str
    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """The user that runs PostgreSQL: None (the caller) unless the caller is root.

    Raises:
        StackError: `missing_part` when root has neither `postgres` nor `nobody` to fall back on.
    """
    if os.geteuid() != 0:
        return None
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise StackError("missing_part", f"postgres: got no user of {_CANDIDATES}, expected one to run as, root is refused")


def run_as(
    account: Account | None, command: Sequence[str], *, cwd: Path, timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """Run *command* as *account* (None: as the caller) and return what it printed.

    Raises:
        OSError: it could not be started, for instance because the user can't reach it.
        subprocess.TimeoutExpired: it took longer than *timeout_s*.
    """
    if account is None:
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout_s, check=False)
    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        user=account.uid,
        group=account.gid,
        extra_groups=[],
    )


def can_run(account: Account | None, command: Sequence[str]) -> bool:
    """Whether *account* can start *command* and it succeeds."""
    try:
        return run_as(account, command, cwd=Path("/"), timeout_s=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def can_write(account: Account | None, folder: Path) -> bool:
    """Whether *account* can reach *folder* and make files in it."""
    return can_run(account, ["/bin/sh", "-c", '[ -w "$0" ] && cd "$0"', str(folder)])


def own_folder(folder: Path, account: Account | None, mode: int = 0o700) -> None:
    """Make *folder* if needed and give it to *account*."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(mode)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def shared_folder(folder: Path) -> None:
    """Make *folder* in a place where every user may write; one that another user made is refused.

    Raises:
        StackError: `missing_part` when it is a link or belongs to another user.
    """
    try:
        folder.mkdir(mode=0o711)
    except FileExistsError:
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            message = f"{folder}: got a link or somebody else's folder, expected one of user {os.geteuid()}; remove it"
            raise StackError("missing_part", message) from None
    folder.chmod(0o711)  # others may pass through; the files inside have modes of their own


def copy_tree(source: Path, target: Path) -> None:
    """Copy *source* so that every user can read it; an incomplete copy is never used."""
    if target.is_dir():
        return
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial, symlinks=True)
    for folder, _, files in os.walk(partial):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                file.chmod(stat.S_IMODE(file.stat().st_mode) | 0o444 | (0o111 if os.access(file, os.X_OK) else 0))
    partial.rename(target)
