"""Environments of their own for what only some commands need: made on first use from a lock file with hashes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from chaos.config import CHECKOUT
from chaos.errors import LabBroken
from launch import environment


def get(lock: Path, place: Path, name: str, why: str, say: Callable[[str], None]) -> Path:
    """Make the environment *place* from *lock* unless it is up to date; *say* gets lines of progress.

    Raises: LabBroken.
    """
    stamp = place / ".lock"
    wanted = lock.read_text("utf-8")
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return place
    say(f"{name:<13} {why}")
    shutil.rmtree(place, ignore_errors=True)
    total = sum(line[:1].isalnum() for line in wanted.splitlines())
    _installing([sys.executable, "-I", "-m", "venv", str(place)], lock, name, total, say)
    command = [str(place / "bin" / "python"), "-I", str(CHECKOUT / "launch" / "pip.py"), "install"]
    _installing([*command, "--progress-bar", "off", "--require-hashes", "-r", str(lock)], lock, name, total, say)
    stamp.write_text(wanted, "utf-8")
    return place


def _installing(command: list[str], lock: Path, name: str, total: int, say: Callable[[str], None]) -> None:
    count, last = 0, ""
    with subprocess.Popen(
        command,
        env=environment.for_installers(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = line.strip() or last
            if line.startswith("Collecting "):
                count += 1
                if count % 10 == 0:
                    say(f"{name:<13} [{count}/{total}] {line.split()[1]}")
    if process.returncode:
        raise LabBroken(f"{name}: got {last[:200]!r}, expected them to be installed from {lock.name}")
