"""XML-RPC to supervisord with a deadline on every call."""

from __future__ import annotations

import http.client
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.stack.layout import HOST, SUPERVISORS, Lab, Ports

USERNAME: Final = "firedrill"
SHOP: Final = ("api", "worker", "relay")
UNKNOWN_METHOD: Final = 1
"""Source: supervisor.xmlrpc.Faults."""


class Unreachable(Exception):
    """supervisord does not answer."""


class _Transport(xmlrpc.client.Transport):
    def __init__(self, timeout_s: float) -> None:
        super().__init__()
        self.timeout_s = timeout_s

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = self.timeout_s
        return connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramState:
    """One program as supervisord sees it.

    Attributes:
        name: `postgres`, or `shop:api` for a member of the group.
        state: supervisord's word: STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL, UNKNOWN.
        pid: 0 when not running.
        note: supervisord's description, such as `pid 12, uptime 0:00:04` or why the start failed.
    """

    name: str
    state: str
    pid: int
    note: str


class Supervisor:
    """Calls to one supervisord; safe to share, every call has its own connection."""

    def __init__(
        self, *, port: int, password: str, timeout_s: float = 5.0, host: str = HOST, identifier: str | None = None
    ) -> None:
        self._identifier = identifier
        self._url = f"http://{USERNAME}:{password}@{host}:{port}/RPC2"
        self._timeout_s = timeout_s

    @classmethod
    def of(cls, lab: Lab, ports: Ports) -> Supervisor:
        """The supervisord of this lab, whether it runs or not."""
        return cls(port=ports["supervisor"], password=_password(lab), identifier=lab.identifier)

    def call(self, method: str, *arguments: Any, timeout_s: float | None = None, by: str | None = None) -> Any:
        """Call `namespace.method`.

        Args:
            by: Program whose supervisor is meant, where the first argument does not name it.

        Raises:
            Unreachable: no answer, or not that of a supervisord which knows our password and this checkout's calls.
            xmlrpc.client.Fault: supervisord refused.
        """
        transport = _Transport(timeout_s or self._timeout_s)
        try:
            with xmlrpc.client.ServerProxy(self._url, transport=transport, allow_none=True) as proxy:
                target: Any = proxy
                for name in method.split("."):
                    target = getattr(target, name)
                return target(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != UNKNOWN_METHOD:
                raise
            raise Unreachable(
                f"supervisord: got one without {method}, started from other code, expected this checkout's "
                "(make down, then make up)"
            ) from None
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            if isinstance(error, TimeoutError):
                raise Unreachable(
                    f"supervisord: got no answer to {method} within {transport.timeout_s:g} s, expected one: "
                    "the machine may be too busy (make status, then the same command again)"
                ) from error
            raise Unreachable(f"supervisord: got {error!r}, expected an answer to {method}") from error

    def is_running(self) -> bool:
        """Whether our supervisord answers and is not shutting down.

        A copied lab folder has the same password as its original: their supervisords differ by the identifier.
        """
        try:
            if self._identifier not in {None, self.call("supervisor.getIdentification")}:
                return False
            return bool(self.call("supervisor.getState")["statename"] == "RUNNING")
        except (Unreachable, xmlrpc.client.Fault):
            return False

    def pid(self) -> int:
        return int(self.call("supervisor.getPID"))

    def programs(self) -> dict[str, ProgramState]:
        """State of all programs by name."""
        answer = self.call("supervisor.getAllProcessInfo")
        states = (
            ProgramState(
                name=info["name"] if info["group"] == info["name"] else f"{info['group']}:{info['name']}",
                state=info["statename"],
                pid=int(info["pid"]),
                note=str(info["description"] or info["spawnerr"]),
            )
            for info in answer
        )
        return {state.name: state for state in states}

    def start(self, names: Sequence[str]) -> None:
        """Start programs that are not running; does not wait for them."""
        for name in names:
            try:
                self.call("supervisor.startProcess", name, False)
            except xmlrpc.client.Fault as fault:
                if fault.faultCode != 60:  # ALREADY_STARTED
                    raise

    def stop(self, names: Sequence[str]) -> None:
        """Ask programs to stop; does not wait for them."""
        for name in names:
            try:
                self.call("supervisor.stopProcess", name, False)
            except xmlrpc.client.Fault as fault:
                if fault.faultCode != 70:  # NOT_RUNNING
                    raise

    def signal_group(self, name: str, number: int) -> None:
        """Signal the whole family of a running program: its group and all descendants. Raises: xmlrpc.client.Fault."""
        self.call("firedrill.signal_group", name, number)

    def group_pids(self, name: str, pgid: int) -> list[int]:
        """Process ids alive in the group *pgid* and its signalled family, by the supervisord of the program *name*."""
        return list(self.call("firedrill.group_pids", pgid, by=name))

    def kill_group(self, name: str, pgid: int) -> None:
        """SIGKILL to what is left of the group *pgid* and its family, by the supervisord of the program *name*."""
        self.call("firedrill.kill_group", pgid, by=name)

    def strays(self) -> list[dict[str, Any]]:
        """The shop's processes that belong to no program; see `control.ControlInterface.strays`."""
        found: list[dict[str, Any]] = self.call("firedrill.strays")
        return found

    def end_strays(self) -> list[dict[str, Any]]:
        """SIGKILL to the shop's processes that belong to no program; returns those processes."""
        found: list[dict[str, Any]] = self.call("firedrill.end_strays")
        return found

    def identity(self, name: str) -> dict[str, Any] | None:
        """`{"pid", "started_unix_s", "pids"}`, None while it is not running."""
        try:
            answer: dict[str, Any] = self.call("firedrill.identity", name)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode in {10, 70}:  # BAD_NAME, NOT_RUNNING
                return None
            raise
        return answer

    def identities(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """`identity` of each of *names* that runs. supervisord looks at all processes once for them."""
        found: dict[str, dict[str, Any]] = self.call("firedrill.identities", list(names))
        return found


def _password(lab: Lab) -> str:
    try:
        return lab.secret("supervisor")
    except FileNotFoundError:
        return "none"  # the stack was never started in this lab folder


class Fleet(Supervisor):
    """Several supervisords as one: in Compose mode `api` and `worker` have one each."""

    def __init__(self, members: Mapping[str, Supervisor]) -> None:
        self._members = members

    @classmethod
    def of(cls, lab: Lab, ports: Ports) -> Fleet:
        """The supervisords of the containers, whether they run or not."""
        password = _password(lab)
        by_host = {
            host: Supervisor(port=ports["supervisor"], password=password, host=host)
            for host in set(SUPERVISORS.values())
        }
        return cls({program: by_host[host] for program, host in SUPERVISORS.items()})

    def call(self, method: str, *arguments: Any, timeout_s: float | None = None, by: str | None = None) -> Any:
        """Call the supervisord of the program *by*; without *by*, of the program that the first argument names."""
        name = by or str(arguments[0])
        if name not in self._members:
            raise xmlrpc.client.Fault(10, f"BAD_NAME: {name}")
        return self._members[name].call(method, *arguments, timeout_s=timeout_s)

    def identities(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Each asked of its own supervisord."""
        return {name: found for name in names if (found := self.identity(name)) is not None}

    def strays(self) -> list[dict[str, Any]]:
        """The strays of all containers."""
        return [stray for member in set(self._members.values()) for stray in member.strays()]

    def end_strays(self) -> list[dict[str, Any]]:
        """SIGKILL to the strays of all containers; returns them."""
        return [stray for member in set(self._members.values()) for stray in member.end_strays()]

    def is_running(self) -> bool:
        """Whether every supervisord answers."""
        return all(member.is_running() for member in set(self._members.values()))

    def programs(self) -> dict[str, ProgramState]:
        """State of the shop's programs by name."""
        return {name: state for member in set(self._members.values()) for name, state in member.programs().items()}
