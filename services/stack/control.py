"""Extension of supervisord: whole families of processes, identities, strays, and a record of every process started.

Loaded into supervisord as the namespace `firedrill` of its XML-RPC. supervisord has one thread: no method may block.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import psutil
from supervisor import events
from supervisor.medusa.auth_handler import auth_handler
from supervisor.options import split_namespec
from supervisor.xmlrpc import Faults, RPCError

from services.hosts import is_known, known
from services.sockets import words
from services.stack import kin
from services.waiting import asked_at

_PR_SET_CHILD_SUBREAPER: Final = 36  # Source: linux/prctl.h
# Rounds of looking again for processes that were forked during the kill; SIGKILL leaves no time for many.
_ROUNDS: Final = 5


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


def _questions(pids: Iterable[int], port: int) -> dict[str, list[float]]:
    """`{"asked_steady_s": …}`; empty when nobody asks for a port, or when the kernel does not tell."""
    if not port:
        return {}
    try:
        return {"asked_steady_s": asked_at(pids, port)}
    except OSError:
        return {}


class ControlInterface:
    """Methods of the XML-RPC namespace `firedrill`.

    A group is named by its leader's pid. Signals reach the leader's whole family: processes that it started in other
    sessions belong to the program, too, as everything in a container does.
    """

    def __init__(self, supervisord: Any, record: Path | None, shop_uid: int | None = None) -> None:
        self._supervisord = supervisord
        self._record = record
        self._shop_uid = shop_uid
        self._kinship = kin.Kinship(os.getpid(), shop_uid=shop_uid)
        # Leader's pid → its family when it was signalled: once the leader is dead, they can't be found from it.
        self._signalled: dict[int, set[tuple[int, int]]] = {}
        self._recorded: set[tuple[int, int]] = set()
        events.subscribe(events.SupervisorRunningEvent, self._adopt)
        if record is not None:
            events.subscribe(events.ProcessStateRunningEvent, self._remember)
            events.subscribe(events.Tick5Event, self._remember_all)

    def _adopt(self, _: Any) -> None:
        """From now on, orphaned processes become supervisord's children. Called when it has become a daemon."""
        self._kinship = kin.Kinship(os.getpid(), shop_uid=self._shop_uid)
        with contextlib.suppress(OSError, AttributeError):  # PID 1 of a container has all orphans anyway
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

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

    def _look(self) -> kin.Look:
        leaders = {
            name if name == group else f"{group}:{name}": int(process.pid)
            for group, processes in self._supervisord.process_groups.items()
            for name, process in processes.processes.items()
            if process.pid
        }
        return self._kinship.look(leaders)

    def _family(self, pgid: int) -> list[int]:
        """Pids alive of the group *pgid*, and of the family that it had when it was signalled."""
        known = self._signalled.get(pgid, set())
        others = (seen.pid for seen in map(kin.look_at, [pid for pid, _ in known]) if seen and seen.id in known)
        return sorted({*members(pgid), *others})

    def signal_group(self, name: str, signal_number: int, port: int = 0) -> dict[str, Any]:
        """Signal the whole family of the program *name* (`worker` of the shop is `shop:worker`).

        Returns:
            `{"pgid": int, "pids": [int], "steady_s": float, "asked_steady_s": [float]}`: the pids alive in the family
            just before, and when its group was signalled, by CLOCK_MONOTONIC: this call itself returns later than a
            short task takes. With *port* also when each question was sent to that port that the family had no answer
            to when it was stopped; without this key nobody could look.

        Raises:
            RPCError: BAD_NAME, NOT_RUNNING, or BAD_SIGNAL for a number that is no signal.
        """
        try:
            number = signal.Signals(int(signal_number))
        except ValueError:
            raise RPCError(Faults.BAD_SIGNAL, str(signal_number)) from None
        pgid = self._running_pid(name)  # supervisord makes every program the leader of a group
        hit = self._signal_family(name, pgid, number, int(port))
        for _ in range(_ROUNDS if number is signal.SIGKILL else 0):
            if not self._signal_strays(name):
                break
        return {"pgid": pgid, **hit}

    def questions(self, name: str, port: int) -> dict[str, Any]:
        """`{"steady_s": float, "asked_steady_s": [float]}`, as of `signal_group`, of a program that runs on.

        Raises:
            RPCError: BAD_NAME or NOT_RUNNING.
        """
        self._running_pid(name)
        steady_s = time.monotonic()
        return {"steady_s": steady_s, **_questions(self._look().families.get(name, set()), int(port))}

    def _signal_family(self, name: str, pgid: int, number: signal.Signals, port: int) -> dict[str, Any]:
        # Stopped first, so that nothing runs on, and reads no answer, while its family is looked for: on a busy machine
        # that takes longer than a charge.
        if number in {signal.SIGKILL, signal.SIGSTOP}:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pgid, signal.SIGSTOP)
        steady_s = time.monotonic()
        look = self._look()
        family = look.families.get(name, set())
        self._signalled[pgid] = {id_ for id_ in look.owners if id_[0] in family}
        asked = _questions(family, port)  # before a kill: the dead have no connections
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pgid, number)
        for pid in family:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getpgid(pid) != pgid:
                    os.kill(pid, number)
        return {"pids": sorted(family), "steady_s": steady_s, **asked}

    def _signal_strays(self, name: str) -> bool:
        """SIGKILL to every stray, when *name* is a program of the shop: a stray may have been started by it."""
        strays = self._look().strays if name.startswith(kin.SHOP) else ()
        for stray in strays:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(stray.pid, signal.SIGKILL)
        return bool(strays)

    def strays(self) -> list[dict[str, Any]]:
        """Processes of the shop that belong to no running program: `[{"pid", "started", "uid", "of", "what"}, …]`.

        `of` is the program to which it belonged while it had a parent there; empty when that was never observed.
        """
        look = self._look()
        return [
            {
                "pid": seen.pid,
                "started": seen.started,
                "uid": seen.uid,
                "of": look.owners.get(seen.id, ""),
                "what": words(seen.pid),
            }
            for seen in look.strays
        ]

    def end_strays(self) -> list[dict[str, Any]]:
        """SIGKILL to every stray; returns those to which it was sent."""
        found = self.strays()
        for stray in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(stray["pid"], signal.SIGKILL)
        return found

    def group_pids(self, pgid: int) -> list[int]:
        """Process ids alive (zombies don't count) in the group *pgid*, and of the family that it had when signalled."""
        return self._family(int(pgid))

    def kill_group(self, pgid: int) -> bool:
        """SIGKILL to what is left of the group *pgid* and its family; False when no process is left."""
        left = self._family(int(pgid))
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        return bool(left)

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
        """Process ids in the group *pgid*, and in the family that it had when signalled, that a SIGSTOP holds."""
        found = []
        for pid in self._family(int(pgid)):
            with contextlib.suppress(psutil.Error):
                if psutil.Process(pid).status() == psutil.STATUS_STOPPED:
                    found.append(pid)
        return found

    def identity(self, name: str) -> dict[str, Any]:
        """`{"pid": int, "started_unix_s": float, "pids": [int]}` of the program *name*: its whole family.

        Raises:
            RPCError: BAD_NAME or NOT_RUNNING.
        """
        return self._identity(name, self._look())

    def identities(self, names: list[str]) -> dict[str, Any]:
        """Program → its `identity`, for those of *names* that run: one look at all processes for them together."""
        look, found = self._look(), {}
        for name in names:
            with contextlib.suppress(RPCError):
                found[name] = self._identity(name, look)
        return found

    def _identity(self, name: str, look: kin.Look) -> dict[str, Any]:
        pid = self._running_pid(name)
        try:
            started = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            raise RPCError(Faults.NOT_RUNNING, name) from None
        return {"pid": pid, "started_unix_s": started, "pids": sorted(look.families.get(name, set()))}

    def _remember(self, event: Any) -> None:
        """Note the process, so that `down` finds it even after supervisord was killed."""
        self._note(int(event.process.pid), event.process.config.name)

    def _remember_all(self, _: Any) -> None:
        """Record processes that the shop itself started: only supervisord knows to which program they belong."""
        look = self._look()
        mine = {id_ for id_, owner in look.owners.items() if owner.startswith(kin.SHOP)}
        mine |= {stray.id for stray in look.strays}
        for pid, _started in mine - self._recorded:
            self._note(pid, look.owners.get((pid, _started), kin.SHOP))
        self._recorded = mine

    def _note(self, pid: int, name: str) -> None:
        try:
            line = {"name": name, "pid": pid, "started_unix_s": psutil.Process(pid).create_time()}
            assert self._record is not None
            with self._record.open("a") as stream:
                stream.write(json.dumps(line) + "\n")
        except (psutil.Error, OSError):  # supervisord must not die of it; the sweep has other ways to find a process
            return


def refuse_foreign_hosts(names: Iterable[str]) -> None:
    """Let supervisord answer 400 to a request with a Host that is not in *names*, with or without a password.

    Every handler of its HTTP server is wrapped in this one class; it has no setting for hosts.
    """
    known_names = frozenset(names)
    ask_for_password = auth_handler.handle_request

    def handle_request(handler: Any, request: Any) -> None:
        if is_known(request.get_header("host"), known_names):
            ask_for_password(handler, request)
        else:
            request.error(400)

    auth_handler.handle_request = handle_request


def make_rpcinterface(supervisord: Any, **config: str) -> ControlInterface:
    """Factory named in supervisord.conf; `record` is the file that notes every started process."""
    settings: Mapping[str, str] = config
    refuse_foreign_hosts(known(os.environ))
    return ControlInterface(
        supervisord,
        Path(settings["record"]) if settings.get("record") else None,
        int(settings["shop_uid"]) if settings.get("shop_uid") else None,
    )
