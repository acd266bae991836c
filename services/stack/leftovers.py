"""Find and end processes of this lab that no supervisord controls any more.

A process is ours when one of these holds:
- its environment carries this lab's marker;
- it runs as the user that only this lab's shop has;
- supervisord recorded it: same process id and same start time;
- it is a PostgreSQL server on this lab's data folder (PostgreSQL and Redis overwrite the environment that /proc shows).
"""

from __future__ import annotations

import ctypes
import json
import signal
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from services.stack import isolation
from services.stack.errors import StackError
from services.stack.layout import MARKER, Lab
from services.stack.supervisor_client import Supervisor

_PR_SET_CHILD_SUBREAPER: Final = 36  # Source: linux/prctl.h


def _places(lab: Lab) -> list[Lab]:
    """This lab; when its folder was moved since the start, also the lab at the old path, as the address book has it."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        before = Path(json.loads(lab.stack_file.read_bytes())["lab_dir"])
        if before != lab.root and not before.exists():
            return [lab, Lab(before)]
    return [lab]


def _recorded(file: Path) -> set[tuple[int, int]]:
    """(process id, start time in hundredths of a second) of everything that supervisord started."""
    known: set[tuple[int, int]] = set()
    try:
        lines = file.read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return known
    for line in lines:
        try:
            entry = json.loads(line)
            known.add((int(entry["pid"]), round(float(entry["started_unix_s"]) * 100)))
        except (ValueError, KeyError, TypeError):  # a line cut short by a full disk
            continue
    return known


def _family() -> set[int]:
    """This process and its ancestors: never ended, even if they inherited the marker."""
    own = psutil.Process()
    return {own.pid, *(parent.pid for parent in own.parents())}


def is_database_server(process: psutil.Process, data_folders: Sequence[Path]) -> bool:
    """Whether *process* is a PostgreSQL server on one of *data_folders*. Raises: psutil.Error, OSError."""
    return process.name().startswith("postgres") and Path(process.cwd()) in data_folders


def _is_ours(
    process: psutil.Process,
    marks: set[str],
    data_folders: Sequence[Path],
    known: set[tuple[int, int]],
    shop_uids: Collection[int | None],
) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if process.uids().effective in shop_uids:
            return True
        if (process.pid, round(process.create_time() * 100)) in known:
            return True
        if process.environ().get(MARKER) in marks:
            return True
        return is_database_server(process, data_folders)
    except (psutil.Error, OSError):
        return False


def find(lab: Lab, data_folders: Sequence[Path]) -> list[psutil.Process]:
    """All processes of this lab, supervisord included."""
    places, family = _places(lab), _family()
    shop_uids = {isolation.recorded(lab.run / place.isolation_file.name).uid for place in places} - {None}
    known = {one for place in places for one in _recorded(lab.run / place.processes_file.name)}
    marks = {place.mark for place in places}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in family and _is_ours(process, marks, data_folders, known, shop_uids)
    ]


def _ask_to_end(process: psutil.Process) -> None:
    """TERM, but INT for PostgreSQL: its TERM waits until the last client has left."""
    is_postgres = process.name().startswith("postgres")
    process.resume()  # a stopped process does not handle the signal
    process.send_signal(signal.SIGINT if is_postgres else signal.SIGTERM)


def _signal(processes: Iterable[psutil.Process], *, kill: bool) -> None:
    for process in processes:
        try:
            if kill:
                process.kill()
            else:
                _ask_to_end(process)
        except psutil.Error:
            continue


def end_all(
    lab: Lab, data_folders: Sequence[Path], *, grace_s: float = 3.0, say: Callable[[str], None] = lambda _: None
) -> list[str]:
    """End everything that is left of this lab: TERM, then KILL after *grace_s*.

    Returns:
        Names of what had to be ended, for the caller's report.
    """
    ended: list[str] = []
    told: set[int] = set()
    start = time.monotonic()
    while left := find(lab, data_folders):
        for process in left:
            if process.pid not in told:
                told.add(process.pid)
                try:
                    ended.append(f"{process.name()} (pid {process.pid})")
                except psutil.Error:
                    continue
                say(f"ending {ended[-1]}, left over")
        gone_s = time.monotonic() - start
        _signal(left, kill=gone_s >= grace_s)
        if gone_s > grace_s + 10:
            break  # the caller checks what is left and reports it
        psutil.wait_procs(left, timeout=0.3)
    return ended


def end_strays(supervisor: Supervisor, *, patience_s: float = 5.0) -> list[str]:
    """End processes that the shop left, in any group or session, once its programs are stopped.

    Returns:
        The processes that were found, in words, for the record of the run that begins.

    Raises:
        StackError: `not_ready` when a process can't be ended.
    """
    told: dict[tuple[int, int], str] = {}
    give_up = time.monotonic() + patience_s
    while found := supervisor.end_strays():
        for stray in found:
            of = f" of {stray['of']}" if stray["of"] else ""
            told.setdefault((stray["pid"], stray["started"]), f"{stray['what']} (pid {stray['pid']}{of})")
        if time.monotonic() > give_up:
            left = "; ".join(told[stray["pid"], stray["started"]] for stray in found)
            raise StackError("not_ready", f"shop: got {left} still alive after SIGKILL, expected no process of it")
        time.sleep(0.03)
    return list(told.values())


@contextmanager
def orphans_ended() -> Iterator[None]:
    """Processes that the commands of the block leave running become this process's children, and are ended."""
    before = set(_children())
    _adopt(True)
    try:
        yield
    finally:
        while left := [child for child in _children() if child not in before]:
            for process in left:
                with suppress(psutil.Error):
                    process.kill()
            psutil.wait_procs(left, timeout=0.3)
        _adopt(False)  # only now: orphans of the processes killed above must become our children, too


def _adopt(wanted: bool) -> None:
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)


def _children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if _runs(child)]


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
