"""What a fault may touch, and the witnesses that it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chaos.model.clocks import ClockReading


@dataclass(frozen=True, slots=True, kw_only=True)
class ToxicSpec:
    """A toxic as it has to be.

    Attributes:
        toxicity: Share of *connections* hit, in (0, 1].
    """

    name: str
    type: str
    attributes: Mapping[str, int]
    stream: str = "downstream"
    toxicity: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryReading:
    """One question, without side effects, over a fresh connection through a proxy.

    Attributes:
        connected: Whether the TCP connection was established.
        round_trip_s: From question to answer on the open connection; None without an answer.
        error: The transport error's name, else empty.
    """

    connected: bool
    round_trip_s: float | None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """An echo over a fresh connection through a proxy.

    Attributes:
        received: Bytes of the answer that arrived; for a whole echo at least as many as were sent.
        whole: Whether all bytes that were sent came back.
        first_s, last_s: From the question to the first and the last byte; None without a byte.
        reads: Number of pieces in which the answer arrived.
        closed_s: From our close to the end of the connection; None when not asked for, or when the end did not come.
        error: Why the echo is not whole: `closed`, or the transport error's name; empty when it is whole.
    """

    connected: bool
    received: int = 0
    whole: bool = False
    first_s: float | None = None
    last_s: float | None = None
    reads: int = 0
    closed_s: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayReading:
    """A canary's charge, which touches no ledger.

    Attributes:
        status: HTTP status of the answer; None without an answer.
        captured: Whether the gateway says that it captured the canary's charge.
        error: The transport error's name, else empty.
    """

    status: int | None
    captured: bool
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signalled:
    """A signal to a process group: the group's id, the pids in it, and the time by the run's clock.

    Attributes:
        asked_unix_s: When each question to the gateway was sent to which the group had read no answer at the signal;
            None when the kernel does not tell.
    """

    pgid: int
    pids: tuple[int, ...]
    at_unix_s: float
    asked_unix_s: tuple[float, ...] | None = None


class ProxyControl(Protocol):
    """Toxiproxy. Every method has a deadline, after which it raises LabBroken."""

    def add_toxic(self, proxy: str, toxic: ToxicSpec) -> Mapping[str, Any]:
        """Add *toxic* and read it back. Returns the toxic as the server has it."""

    def remove_toxic(self, proxy: str, name: str) -> None:
        """Idempotent; returns when the server no longer lists it."""

    def set_enabled(self, proxy: str, enabled: bool) -> None:
        """Idempotent; returns when the server reports the new state."""

    def toxic(self, proxy: str, name: str) -> Mapping[str, Any] | None:
        """The toxic as the server has it, in the form of `add_toxic`; None when it is not there."""

    def is_enabled(self, proxy: str) -> bool:
        """Whether the server says that *proxy* takes connections."""

    def reset(self) -> None:
        """Remove proxies that the lab did not make, restore its own, enable every proxy and remove every toxic."""

    def deviations(self) -> Sequence[str]:
        """Differences from the pristine state, in words; empty when pristine."""

    def uninvited(self) -> Sequence[str]:
        """Differences from the pristine state that this control was not asked for: somebody else made them."""


class ProcessControl(Protocol):
    """The shop's processes, by name: `api`, `worker`, `relay`."""

    def kill_group(self, process: str) -> Signalled:
        """SIGKILL to the whole process group."""

    def terminate(self, process: str) -> Signalled:
        """SIGTERM to the process that its supervisor started, and to no other process of its group."""

    def survivors(self, process: str, pgid: int) -> Sequence[int]:
        """Pids still alive in that group of *process*. With a container per part a pgid is not unique by itself."""

    def cpu_s(self, process: str) -> Mapping[int, float]:
        """Pid → CPU seconds used so far, of the whole process group of *process*; empty when it does not run."""

    def group_of(self, process: str) -> int | None:
        """Process group id of *process*; None when it is not running."""

    def pause_group(self, process: str) -> Signalled:
        """SIGSTOP to the whole process group."""

    def stopped(self, process: str, pgid: int) -> Sequence[int]:
        """Pids of that group that the kernel has stopped."""

    def resume(self, process: str) -> None:
        """SIGCONT to its group. Idempotent; no error when it is not running."""

    def resume_all(self) -> None:
        """SIGCONT to every group, and start processes that the supervisor has given up on. Idempotent.

        A process that was stopped through its supervisor stays stopped: no fault does that, and `up` starts the shop.
        """

    def deviations(self) -> Sequence[str]:
        """Paused processes, in words; empty when pristine. A process whose code can't start is not one."""


class CanaryPort(Protocol):
    """Fresh connections through the proxies."""

    def read(self, proxy: str, *, timeout_s: float) -> CanaryReading:
        """Connect, ask, measure. Never raises."""

    def echo(self, proxy: str, size: int, *, timeout_s: float, finish: bool = False) -> Exchange:
        """Have *size* bytes (at most 8000) sent back; with *finish*, close and wait for the end. Never raises."""

    def process(self, name: str, *, timeout_s: float) -> CanaryReading:
        """Ask `api` over HTTP or `worker` by a ping through the broker, past the proxies. Never raises."""


class GatewayWitness(Protocol):
    """The payment gateway, asked past its proxy."""

    def in_flight_since(self) -> Sequence[float]:
        """Arrival times, in seconds since the epoch, of the charges that are not answered yet."""

    def charges_among(self, asked_unix_s: Sequence[float], until_unix_s: float) -> int:
        """How many of the questions sent at these times may be charges: each has one of its own that came since."""

    def switch(self, fault: str, settings: Mapping[str, Any], *, seed: int) -> Mapping[str, Any]:
        """Set one HTTP-level fault and leave the others. Returns its settings as read back from the gateway."""

    def settings(self, fault: str) -> Mapping[str, Any]:
        """The settings of one HTTP-level fault as the gateway has them now."""

    def hits(self, fault: str) -> int:
        """Number of calls for a charge that this fault has hit so far."""

    def canary(self, *, timeout_s: float) -> GatewayReading:
        """Send a charge of the lab's own over a fresh connection. Never raises."""

    def heal(self) -> None:
        """Switch every HTTP-level fault off."""

    def deviations(self) -> Sequence[str]:
        """HTTP-level faults that are on, in words; empty when pristine."""


class GateControl(Protocol):
    """Finds and removes the gate of forced interleavings in all databases of the shop."""

    def deviations(self) -> Sequence[str]:
        """Databases that have a gate, in words; empty when none has. Raises: LabBroken."""

    def remove(self) -> None:
        """Remove it from every database. Idempotent. Raises: LabBroken."""


class UpstreamWitness(Protocol):
    """What the upstream of a proxy has seen of the shop; the shop itself is never asked."""

    def mark(self, proxy: str) -> Mapping[str, Any]:
        """The counters now, from which `met` counts."""

    def met(self, proxy: str, since: Mapping[str, Any], *, cut: bool) -> tuple[int, str]:
        """How many calls met the fault since the mark *since*, and the witness. *cut*: the proxy let nothing through.

        For the process `worker`: how many tasks wait for it.
        """


class ClientWitness(Protocol):
    """The client's own history during the run."""

    def unanswered_between(self, since_unix_s: float, until_unix_s: float) -> int:
        """Operations sent between the two moments that ended neither ok nor with a documented refusal."""

    def waiting_between(self, since_unix_s: float, until_unix_s: float) -> int:
        """Operations that were under way at some time between the two moments and not answered by the second one."""


class Clock(Protocol):
    """The clock of a run, and sleep, so that tests can run a timetable without waiting."""

    def now_unix_s(self) -> float:
        """Seconds since the epoch: the wall clock at the run's beginning, continued by the monotonic clock.

        A wall clock that is set during the run does not change it.
        """

    def steady_s(self, unix_s: float) -> float:
        """The same moment on the monotonic clock itself, which all processes of this machine share."""

    def reading(self) -> ClockReading:
        """All clocks of this machine at one moment, with the wall clock's current time."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """Everything that a fault may touch."""

    proxies: ProxyControl
    processes: ProcessControl
    canary: CanaryPort
    gateway: GatewayWitness
    gate: GateControl
    upstream: UpstreamWitness
    client: ClientWitness
    clock: Clock
