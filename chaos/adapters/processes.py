"""The shop's processes through supervisor's XML-RPC, whole process groups at a time."""

from __future__ import annotations

import http.client
import signal
import time
import xmlrpc.client
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit
from xml.parsers.expat import ExpatError

from chaos.errors import LabBroken
from chaos.model.faults import PROCESSES
from chaos.ports import Signalled

TIMEOUT_S = 5.0
# supervisord's state of a process that failed at several starts in a row and is not started again.
GIVEN_UP = "FATAL"


class _Transport(xmlrpc.client.Transport):
    """A transport with a timeout, which xmlrpc does not have."""

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = TIMEOUT_S
        return connection


class ProcessRefused(LabBroken):
    """supervisord refused: the process is unknown or not running."""


class SupervisorProcesses:
    """Kill, look up and resume `shop:<process>`. Thread-safe, since each call has a connection of its own.

    Args:
        urls: Process → base URL of the supervisor that runs it: one for all, or one per container.
        gateway_port: Port of the gateway's proxy, as the shop reaches it.
        now_unix_s: The run's clock, by which signals are timed.
    """

    def __init__(
        self,
        urls: Mapping[str, str],
        *,
        username: str,
        password: str,
        gateway_port: int = 0,
        now_unix_s: Callable[[], float] = time.time,
    ) -> None:
        self._now_unix_s, self._gateway_port = now_unix_s, gateway_port
        self._urls = {}
        for process, url in urls.items():
            parts = urlsplit(url)
            login = f"{quote(username, safe='')}:{quote(password, safe='')}"
            self._urls[process] = f"{parts.scheme}://{login}@{parts.netloc}/RPC2"

    def _call(self, process: str, what: str, ask: Callable[[Any], Any]) -> Any:
        if process not in self._urls:
            raise ProcessRefused(f"supervisor: {what}: got {process!r}, expected one of {', '.join(self._urls)}")
        try:
            return ask(xmlrpc.client.ServerProxy(self._urls[process], transport=_Transport(), allow_none=True))
        except xmlrpc.client.Fault as fault:
            raise ProcessRefused(f"supervisor: {what}: got {fault.faultString}, expected it to be done") from None
        except (OSError, http.client.HTTPException, xmlrpc.client.Error, ExpatError, LookupError, TypeError) as error:
            # The last three mean that the answer is not from the lab's supervisord.
            raise LabBroken(
                f"supervisor: {what}: got {type(error).__name__}, expected an answer (make status)"
            ) from None

    def _signal(self, process: str, number: signal.Signals) -> Signalled:
        def ask(server: Any) -> Signalled:
            answer = server.firedrill.signal_group(f"shop:{process}", int(number), self._gateway_port)
            at_unix_s, asked = self._timed(answer)
            return Signalled(pgid=answer["pgid"], pids=tuple(answer["pids"]), at_unix_s=at_unix_s, asked_unix_s=asked)

        killed: Signalled = self._call(process, f"{number.name} to {process}", ask)
        return killed

    def _timed(self, answer: Mapping[str, Any]) -> tuple[float, tuple[float, ...] | None]:
        """When the supervisor did it, and when each question was sent, by the run's clock."""
        # All processes of a machine share the clock of `steady_s`.
        at_unix_s = self._now_unix_s() - max(0.0, time.monotonic() - answer["steady_s"])
        asked = answer.get("asked_steady_s")
        if asked is None:
            return at_unix_s, None
        return at_unix_s, tuple(at_unix_s - (answer["steady_s"] - at) for at in asked)

    def kill_group(self, process: str) -> Signalled:
        return self._signal(process, signal.SIGKILL)

    def terminate(self, process: str) -> Signalled:
        def ask(server: Any) -> Signalled:
            pgid = int(server.supervisor.getProcessInfo(f"shop:{process}")["pid"])
            pids = tuple(server.firedrill.group_pids(pgid)) if pgid else ()
            _, asked = self._timed(server.firedrill.questions(f"shop:{process}", self._gateway_port))
            at_unix_s = self._now_unix_s()
            server.supervisor.signalProcess(f"shop:{process}", "TERM")
            return Signalled(pgid=pgid, pids=pids, at_unix_s=at_unix_s, asked_unix_s=asked)

        ended: Signalled = self._call(process, f"SIGTERM to {process}", ask)
        return ended

    def survivors(self, process: str, pgid: int) -> Sequence[int]:
        def ask(server: Any) -> list[int]:
            return list(server.firedrill.group_pids(pgid))

        found: list[int] = self._call(process, "look for survivors", ask)
        return found

    def cpu_s(self, process: str) -> Mapping[int, float]:
        def ask(server: Any) -> dict[int, float]:
            return {int(pid): float(seconds) for pid, seconds in server.firedrill.group_cpu(f"shop:{process}")}

        try:
            found: dict[int, float] = self._call(process, f"CPU seconds of {process}", ask)
        except ProcessRefused:  # it does not run, so it uses no CPU
            return {}
        return found

    def pause_group(self, process: str) -> Signalled:
        return self._signal(process, signal.SIGSTOP)

    def stopped(self, process: str, pgid: int) -> Sequence[int]:
        def ask(server: Any) -> list[int]:
            return list(server.firedrill.stopped_pids(pgid))

        found: list[int] = self._call(process, "look for the paused", ask)
        return found

    def resume(self, process: str) -> None:
        with suppress(ProcessRefused):  # a process that is not running needs no SIGCONT
            self._signal(process, signal.SIGCONT)

    def group_of(self, process: str) -> int | None:
        state, pid = self._state(process)
        return pid if state == "RUNNING" and pid else None

    def _state(self, process: str) -> tuple[str, int]:
        """supervisord's state of *process*, and its pid (0 without one)."""

        def ask(server: Any) -> tuple[str, int]:
            info = server.supervisor.getProcessInfo(f"shop:{process}")
            return str(info["statename"]), int(info["pid"])

        found: tuple[str, int] = self._call(process, f"look up {process}", ask)
        return found

    def resume_all(self) -> None:
        for process in PROCESSES:
            self.resume(process)
            if self._state(process)[0] == GIVEN_UP:
                # It could not start while a dependency was broken, so it is started again. A refusal is ignored here.
                with suppress(ProcessRefused):
                    self._start(process)

    def _start(self, process: str) -> None:
        self._call(process, f"start {process}", lambda server: server.supervisor.startProcess(f"shop:{process}", False))

    def deviations(self) -> Sequence[str]:
        found = []
        for process in PROCESSES:
            _, pid = self._state(process)
            if pid and (paused := self.stopped(process, pid)):
                found.append(f"{process}: got paused processes {list(paused)}, expected running ones")
        return found
