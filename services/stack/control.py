"""Extension of supervisord: whole process groups, identities, and a record of every process started.

Loaded into supervisord as the namespace `firedrill` of its XML-RPC. supervisord is one thread: nothing may wait.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import psutil
from supervisor import events
from supervisor.options import split_namespec
from supervisor.xmlrpc import Faults, RPCError

NAMESPACE: Final = "firedrill"


def alive(process: psutil.Process) -> bool:
    """Whether the process still runs code: a zombie does not."""
    try:
        return bool(process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD})
    except psutil.Error:
        return False


def members(pgid: int) -> list[int]:
    """Process ids alive in the process group *pgid*, ascending."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == pgid and alive(process):
                found.append(process.pid)
        except (ProcessLookupError, PermissionError):
            continue
    return sorted(found)


class ControlInterface:
    """Methods of the XML-RPC namespace `firedrill`."""

    def __init__(self, supervisord: Any, record: Path | None) -> None:
        self._supervisord = supervisord
        self._record = record
        if record is not None:
            events.subscribe(events.ProcessStateRunningEvent, self._remember)

    def _process(self, name: str) -> Any:
        group_name, process_name = split_namespec(name)
        group = self._supervisord.process_groups.get(group_name)
        process = group.processes.get(process_name) if group is not None else None
        if process is None:
            raise RPCError(Faults.BAD_NAME, name)
        return process

    def _running_pid(self, name: str) -> int:
        pid = int(self._process(name).pid or 0)
        if not pid:
            raise RPCError(Faults.NOT_RUNNING, name)
        return pid

    def signal_group(self, name: str, signal_number: int) -> dict[str, Any]:
        """Signal the whole process group of the program *name* (`worker` of the shop is `shop:worker`).

        Returns:
            `{"pgid": int, "pids": [int]}`: who was alive in the group just before.

        Raises:
            RPCError: BAD_NAME, NOT_RUNNING, or BAD_SIGNAL for a number that is no signal.
        """
        try:
            number = signal.Signals(int(signal_number))
        except ValueError:
            raise RPCError(Faults.BAD_SIGNAL, str(signal_number)) from None
        pgid = self._running_pid(name)  # supervisord makes every program the leader of a group
        pids = members(pgid)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pgid, number)
        return {"pgid": pgid, "pids": pids}

    def group_pids(self, pgid: int) -> list[int]:
        """Process ids alive (zombies don't count) in the group *pgid*."""
        return members(int(pgid))

    def kill_group(self, pgid: int) -> bool:
        """SIGKILL to what is left of the group *pgid*; False when nobody is."""
        try:
            os.killpg(int(pgid), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def group_cpu(self, name: str) -> list[list[float]]:
        """`[[pid, CPU seconds used so far], …]` of the process group of the program *name*.

        Raises:
            RPCError: BAD_NAME or NOT_RUNNING.
        """
        found: list[list[float]] = []
        for pid in members(self._running_pid(name)):
            with contextlib.suppress(psutil.Error):
                times = psutil.Process(pid).cpu_times()
                found.append([pid, times.user + times.system])
        return found

    def stopped_pids(self, pgid: int) -> list[int]:
        """Process ids in the group *pgid* that a SIGSTOP holds."""
        found = []
        for pid in members(int(pgid)):
            with contextlib.suppress(psutil.Error):
                if psutil.Process(pid).status() == psutil.STATUS_STOPPED:
                    found.append(pid)
        return found

    def identity(self, name: str) -> dict[str, Any]:
        """`{"pid": int, "started_unix_s": float, "pids": [int]}` of the program *name*.

        Raises:
            RPCError: BAD_NAME or NOT_RUNNING.
        """
        pid = self._running_pid(name)
        try:
            started = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            raise RPCError(Faults.NOT_RUNNING, name) from None
        return {"pid": pid, "started_unix_s": started, "pids": members(pid)}

    def _remember(self, event: Any) -> None:
        """Note the process, so that `down` finds it even after supervisord was killed."""
        try:
            pid = int(event.process.pid)
            line = {"name": event.process.config.name, "pid": pid, "started_unix_s": psutil.Process(pid).create_time()}
            assert self._record is not None
            with self._record.open("a") as stream:
                stream.write(json.dumps(line) + "\n")
        except (psutil.Error, OSError):  # supervisord must not die of it; the sweep has other ways to find a process
            return


def make_rpcinterface(supervisord: Any, **config: str) -> ControlInterface:
    """Factory named in supervisord.conf; `record` is the file that notes every started process."""
    settings: Mapping[str, str] = config
    return ControlInterface(supervisord, Path(settings["record"]) if settings.get("record") else None)
