"""What faults and the run need from the outside world. `chaos.adapters` implements it; tests bring fakes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from chaos.model.evidence import BrokerMessage, Charge, GatewayCall, Order, Refund, SideEffect, Ticket, Tier
from chaos.model.faults import FaultParams
from chaos.model.kinds import first_paragraph
from chaos.model.trace import LogLine, Statement


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
    """One fresh connection through a proxy, asking its upstream something harmless.

    Attributes:
        connected: The TCP connection came about.
        round_trip_s: Question to answer on the open connection; None without an answer.
        error: The transport error's name, else empty.
    """

    connected: bool
    round_trip_s: float | None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """An echo over a fresh connection through a proxy.

    Attributes:
        received: Bytes of the answer that arrived, at least what was asked for when it was whole.
        whole: Everything that was sent came back.
        first_s, last_s: From the question to the first and the last byte; None without one.
        reads: How many pieces it came in.
        closed_s: From our own close to the end of the connection; None when it was not asked for or did not come.
        error: How it ended too early: `closed`, or the transport error's name; empty when it did not.
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
        captured: Whether the gateway says that it took the canary's money.
        error: The transport error's name, else empty.
    """

    status: int | None
    captured: bool
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signalled:
    """A process group that was sent a signal: its id, who was in it, and when, in seconds since the epoch."""

    pgid: int
    pids: tuple[int, ...]
    at_unix_s: float


class ProxyControl(Protocol):
    """Toxiproxy, seen through the one adapter. Every method has its own deadline and raises LabBroken past it."""

    def add_toxic(self, proxy: str, toxic: ToxicSpec) -> Mapping[str, Any]:
        """Add and read back; the toxic as the server has it."""

    def remove_toxic(self, proxy: str, name: str) -> None:
        """Idempotent; returns when the server no longer lists it."""

    def set_enabled(self, proxy: str, enabled: bool) -> None:
        """Idempotent; returns when the server says so itself."""

    def reset(self) -> None:
        """Enable every proxy and remove every toxic."""

    def deviations(self) -> Sequence[str]:
        """What is not as it should be, in words; empty when pristine."""


class ProcessControl(Protocol):
    """The shop's processes, by name: `api`, `worker`, `relay`."""

    def kill_group(self, process: str) -> Signalled:
        """SIGKILL to the whole process group."""

    def survivors(self, process: str, pgid: int) -> Sequence[int]:
        """Pids still alive in that group of *process*: where each part has a container, a pgid alone names nobody."""

    def cpu_s(self, process: str) -> Mapping[int, float]:
        """Pid → CPU seconds used so far, of the whole process group of *process*; empty when it does not run."""

    def group_of(self, process: str) -> int | None:
        """Process group id of *process* when it is running; None when it is not."""

    def pause_group(self, process: str) -> Signalled:
        """SIGSTOP to the whole process group."""

    def stopped(self, process: str, pgid: int) -> Sequence[int]:
        """Pids of that group that are stopped: the kernel lets them run no more."""

    def resume(self, process: str) -> None:
        """SIGCONT to its group. Idempotent; fine when it is not running."""

    def resume_all(self) -> None:
        """SIGCONT to every group, and start what the supervisor has given up on. Idempotent.

        What was stopped on purpose stays so: a fault stops nobody, `up` starts the shop.
        """

    def deviations(self) -> Sequence[str]:
        """Who is paused, in words; empty when pristine. Code that can't start is no fault of the lab's."""


class CanaryPort(Protocol):
    """Fresh connections through the proxies."""

    def read(self, proxy: str, *, timeout_s: float) -> CanaryReading:
        """Connect, ask, measure. Never raises."""

    def echo(self, proxy: str, size: int, *, timeout_s: float, finish: bool = False) -> Exchange:
        """Send *size* bytes that come back, at most 8000; *finish*: then close and wait for the end. Never raises."""

    def process(self, name: str, *, timeout_s: float) -> CanaryReading:
        """Ask `api` over HTTP or `worker` by a ping through the broker, past the proxies. Never raises."""


class GatewayWitness(Protocol):
    """The payment gateway, asked past its proxy."""

    def in_flight_since(self) -> Sequence[float]:
        """Arrival times, in seconds since the epoch, of the charges that are not answered yet."""

    def calls_between(self, since_unix_s: float, until_unix_s: float) -> int:
        """Calls that were at the gateway at some time between the two."""

    def switch(self, fault: str, settings: Mapping[str, Any], *, seed: int) -> Mapping[str, Any]:
        """Set one HTTP-level fault, leave the others as they are, and read back; *settings* as the gateway has them."""

    def hits(self, fault: str) -> int:
        """Calls for a charge, so far, to which that fault was done."""

    def canary(self, *, timeout_s: float) -> GatewayReading:
        """A charge of the lab's own over a fresh connection. Never raises."""

    def heal(self) -> None:
        """Switch every HTTP-level fault off."""

    def deviations(self) -> Sequence[str]:
        """HTTP-level faults that are on, in words; empty when pristine."""


class UpstreamWitness(Protocol):
    """What the upstream of a proxy has seen of the shop: never the shop's own word."""

    def mark(self, proxy: str) -> Mapping[str, Any]:
        """Counters now, to compare with later."""

    def met(self, proxy: str, since: Mapping[str, Any], *, cut: bool) -> tuple[int, str]:
        """How many calls met the fault since *since*, and who says so. *cut*: the proxy let nothing through.

        For the process `worker`: how many tasks wait for it.
        """


class ClientWitness(Protocol):
    """The client's own history while the run lasts."""

    def unanswered_between(self, since_unix_s: float, until_unix_s: float) -> int:
        """Operations sent between the two that ended neither ok nor with a documented refusal."""

    def waiting_between(self, since_unix_s: float, until_unix_s: float) -> int:
        """Operations that were under way at some time between the two and had no answer by the end."""


class Clock(Protocol):
    """Wall clock and sleep, so that tests can run a timetable at once."""

    def now_unix_s(self) -> float:
        """Seconds since the epoch."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class WorldWitness(Protocol):
    """The end state, read past the proxies: SQL views, PostgreSQL's own log, the gateway's ledger."""

    def at_one_moment(self) -> AbstractContextManager[None]:
        """Within it, the four views are as they were at one moment."""

    def tiers(self) -> list[Tier]:
        """The view `lab_tiers`."""

    def orders(self) -> list[Order]:
        """The view `lab_orders`."""

    def tickets(self) -> list[Ticket]:
        """The view `lab_tickets`."""

    def side_effects(self) -> list[SideEffect]:
        """The view `lab_side_effects`."""

    def charges(self) -> list[Charge]:
        """The gateway's ledger."""

    def refunds(self) -> list[Refund]:
        """The gateway's ledger."""

    def gateway_calls(self) -> list[GatewayCall]:
        """The gateway's record of calls."""

    def broker_messages(self) -> list[BrokerMessage]:
        """What passed through the broker since the run's start; asking ends the recording."""

    def postgres_errors(self) -> list[dict[str, Any]]:
        """ERROR, FATAL and PANIC entries of PostgreSQL's log since the run's start."""

    def pending(self) -> Pending:
        """What still has to move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Work that is accepted and not done: orders by the views, messages by the broker."""

    orders: int
    outbox: int
    queued: int
    unacked: int

    @property
    def total(self) -> int:
        """Nothing left to move when 0."""
        return self.orders + self.outbox + self.queued + self.unacked


class StackControl(Protocol):
    """The stack as a whole, past its proxies."""

    def prepare(self, *, variant: str, seed: int, world: Mapping[str, int], world_file: Path) -> Mapping[str, Any]:
        """Switch, empty, seed, start, wait for readiness. Raises: LearnerCodeError, InvalidInput, LabBroken."""

    def identities(self) -> Mapping[str, str]:
        """Part → what changes when it restarts. Parts that can't be asked are absent."""

    def worker_answers(self, timeout_s: float) -> bool:
        """A ping through the broker, by Celery's own remote control."""


class Tracer(Protocol):
    """What explains a run afterwards: the statements of the database's log, and the shop's log lines."""

    def start(self) -> None:
        """From here on. Raises: LabBroken."""

    def stop(self) -> None:
        """Idempotent. Raises: LabBroken."""

    def statements(self) -> list[Statement]:
        """On behalf of a request or a task, since the start. Raises: LabBroken."""

    def lines(self) -> list[LogLine]:
        """The shop's log since the start. Raises: LabBroken."""


class LeaseKeeper(Protocol):
    """The agent, which heals when the runner's lease runs out."""

    def renew(self, *, run_id: str, folder: Path, ttl_s: float) -> None:
        """Promise to be back within *ttl_s*. Raises: LabBroken when the agent can't be told."""

    def release(self, *, run_id: str) -> None:
        """The run has healed by itself."""


class Index(Protocol):
    """The scorecard, as far as a run needs it."""

    def put_run(self, run: Mapping[str, Any]) -> None:
        """Index one run; repeating it changes nothing. Raises: OSError when it can't be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """Everything that a fault may touch."""

    proxies: ProxyControl
    processes: ProcessControl
    canary: CanaryPort
    gateway: GatewayWitness
    upstream: UpstreamWitness
    client: ClientWitness
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What shows that a fault is there.

    Attributes:
        proven: Read back as asked *and* felt by a canary (or, for a kill, the group is gone).
        read_back: What the server or the kernel says.
        canary: What the canary measured before and during.
        reason: Why it is not proven; empty when it is.
    """

    proven: bool
    read_back: Mapping[str, Any] = field(default_factory=dict)
    canary: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(slots=True, kw_only=True)
class Held:
    """An injected fault while it lasts.

    Attributes:
        id: Unique in the run, e.g. `latency-1`; also the toxic's name.
        params: The kind's own parameters.
        injected_unix_s: When the call that took effect was made.
        effective_unix_s: When it had certainly taken effect.
        seed: Of random draws, where the fault has any.
        beside: Ids of the other faults that are held on the same path right now: what a canary feels is all of them.
        memory: What the kind needs to know when lifting and counting: baselines, marks, process groups.
    """

    id: str
    params: FaultParams
    injected_unix_s: float = 0.0
    effective_unix_s: float = 0.0
    seed: int = 1
    beside: tuple[str, ...] = ()
    memory: dict[str, Any] = field(default_factory=dict)


class FaultKind(ABC):
    """One kind of fault. `inject` may raise after it landed: callers lift in every case.

    Attributes:
        name: The word after `inject:`.
        doc: One paragraph for the scenario reference.
        params: The keys that a scenario file may give.
        arm_ahead_s: How long before its moment `arm` begins.
        severs: No answer gets through while it is held, so that no canary could feel a fault that begins meanwhile.
    """

    name: str
    params: type[FaultParams]
    arm_ahead_s: float = 0.6
    severs: bool = False

    @property
    def doc(self) -> str:
        """First paragraph of the parameters' docstring."""
        return first_paragraph(self.params.__doc__)

    def proof_s(self, params: FaultParams) -> float:
        """How long a canary needs to feel it: a fault that is held for less would be held longer than asked."""
        return 0.0

    @abstractmethod
    def arm(self, held: Held, lab: Lab) -> None:
        """Measure what has to be known beforehand, so that `inject` takes effect at once."""

    @abstractmethod
    def inject(self, held: Held, lab: Lab) -> None:
        """Make it happen and note the times. Raises: LabBroken."""

    @abstractmethod
    def prove(self, held: Held, lab: Lab) -> Proof:
        """Read it back and feel it with a canary."""

    @abstractmethod
    def exposure(self, held: Held, lab: Lab) -> tuple[int, str]:
        """Calls or tasks that met it so far, and the witness that counted. Asked right before lifting."""

    @abstractmethod
    def lift(self, held: Held, lab: Lab) -> None:
        """End it. Idempotent, and right also when `inject` failed half way. Raises: LabBroken."""

    @abstractmethod
    def gone(self, held: Held, lab: Lab) -> Proof:
        """Show that it is lifted."""
