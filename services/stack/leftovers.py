"""Find and end processes of this lab that nobody looks after any more.

A process is ours when one of these holds:
- its environment carries our marker with this lab's folder;
- it is one that supervisord recorded: same id and same start time;
- it is a PostgreSQL server on this lab's data folder (PostgreSQL and Redis overwrite the environment that /proc shows).
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import psutil

from services.stack.layout import MARKER, Lab


def _recorded(lab: Lab) -> set[tuple[int, int]]:
    """(process id, start time in hundredths of a second) of everything that supervisord started."""
    known: set[tuple[int, int]] = set()
    try:
        lines = lab.processes_file.read_text().splitlines()
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
    """This process and its ancestors: never to be ended, whatever they inherited."""
    own = psutil.Process()
    return {own.pid, *(parent.pid for parent in own.parents())}


def _is_ours(process: psutil.Process, lab: Lab, data_folders: Sequence[Path], known: set[tuple[int, int]]) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if (process.pid, round(process.create_time() * 100)) in known:
            return True
        if process.environ().get(MARKER) == str(lab.root):
            return True
        return process.name().startswith("postgres") and Path(process.cwd()) in data_folders
    except (psutil.Error, OSError):
        return False


def find(lab: Lab, data_folders: Sequence[Path]) -> list[psutil.Process]:
    """All processes of this lab, supervisord included."""
    known, family = _recorded(lab), _family()
    return [p for p in psutil.process_iter() if p.pid not in family and _is_ours(p, lab, data_folders, known)]


def _ask_to_end(process: psutil.Process) -> None:
    """TERM, but INT for PostgreSQL: its TERM waits until the last client has left."""
    is_postgres = process.name().startswith("postgres")
    process.resume()  # a paused process would sleep through the signal
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
            break  # the caller checks what is left and says so
        psutil.wait_procs(left, timeout=0.3)
    return ended
