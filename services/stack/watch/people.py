"""Tells the shop's processes, the lab's and all others apart."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from services.sockets import words
from services.stack import kin
from services.stack.config import CHECKOUT
from services.stack.handles import Stack

# What Python runs (`-m MODULE` or a file) has to be among the command line's first eight words.
_FLAGS = 8
_COMMANDS = ("services.", "chaos", "loadtests", "dashboard", "supervisor.supervisord")


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Whose each process is, at one moment.

    Attributes:
        program: Pid → supervisord's program to whose family the process belongs.
        runner: Pids of the run itself: the process that started the watch, and its family.
        shop_uid: The shop's own user, None without one.
    """

    program: Mapping[int, str]
    runner: frozenset[int]
    shop_uid: int | None
    strays: frozenset[int] = frozenset()

    def is_shop(self, pid: int) -> bool:
        """Whether the process belongs to a running program of the shop."""
        return self.program.get(pid, "").startswith(kin.SHOP)

    def is_(self, pid: int, program: str) -> bool:
        """Whether the process belongs to the family of *program*."""
        return self.program.get(pid) == program

    def is_lab(self, pid: int) -> bool:
        """Whether the process is the lab's: of the run, of supervisord's programs, or a command of the lab."""
        if pid in self.runner:
            return True
        if pid in self.program:
            return not self.is_shop(pid)
        return pid not in self.strays and is_command_of_the_lab(pid, shop_uid=self.shop_uid)


def is_command_of_the_lab(pid: int, *, shop_uid: int | None) -> bool:
    """By the process's user, its Python and its command line: `firedrill …`, `python -m services.stack …`."""
    try:
        process = psutil.Process(pid)
        if process.uids().effective != os.geteuid() or process.uids().effective == shop_uid:
            return False
        return _is_command(process.cmdline())
    except psutil.Error:
        return False


def _is_command(line: list[str]) -> bool:
    """Whether *line* is our Python with a module of the lab or `firedrill`, after any flags."""
    if not line or Path(line[0]).parent != Path(sys.executable).parent or not Path(line[0]).name.startswith("python"):
        return False
    words = line[1:_FLAGS]
    if "-c" in words:
        return False
    if "-m" in words[:-1]:
        module = words[words.index("-m") + 1]
        return module.startswith(_COMMANDS) and not module.startswith("services.shop")
    return any(Path(word).name == "firedrill" and Path(word).is_relative_to(CHECKOUT) for word in words)


def look(stack: Stack, *, shop_uid: int | None, runner: int, strays: frozenset[int] = frozenset()) -> People:
    """Whose each process is now. Raises: supervisor_client.Unreachable."""
    leaders = {name: state.pid for name, state in stack.supervisor.programs().items() if state.pid}
    families = kin.Kinship(stack.supervisor.pid()).look({**leaders, "runner": runner}).families
    program = {pid: name for name, family in families.items() if name != "runner" for pid in family}
    # A run that the dashboard started is also in the family of the program `agent`; both count as the lab's.
    return People(program=program, runner=frozenset(families["runner"]), shop_uid=shop_uid, strays=strays)


def named(pid: int | None, uid: int, *, what: str = "", of: str = "") -> str:
    """`celery … (pid 12, user shop)`."""
    said = what or (words(pid) if pid is not None else "")
    return f"{said or 'a process'} (pid {'?' if pid is None else pid}, user {_user(uid)}{f', of {of}' if of else ''})"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
