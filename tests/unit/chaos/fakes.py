"""Hand-written stand-ins for the lab: they hold what was done to them and behave as it would."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from chaos.errors import LabBroken
from chaos.model.clocks import ClockReading
from chaos.model.dress import Asker
from chaos.model.evidence import (
    BrokerMessage,
    Charge,
    Commit,
    GatewayCall,
    Mail,
    Order,
    PendingView,
    Refund,
    SeatsShown,
    Shown,
    SideEffect,
    StoredPassword,
    Ticket,
    Tier,
)
from chaos.model.faults import PROXIES
from chaos.model.journal import Event
from chaos.model.loadplan import Progress
from chaos.ports import CanaryReading, Exchange, GatewayReading, Lab, Pending, Signalled, ToxicSpec

ROUND_TRIP_S = 0.001


class FakeClock:
    """Stands still unless somebody sleeps."""

    def __init__(self, now_unix_s: float = 1000.0) -> None:
        self.now = now_unix_s
        self.slept: list[float] = []

    def now_unix_s(self) -> float:
        return self.now

    def steady_s(self, unix_s: float) -> float:
        return unix_s - 900.0

    def reading(self) -> ClockReading:
        return ClockReading(steady_s=self.steady_s(self.now), unix_s=self.now, slept_s=0.0)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class FakeProxies:
    """Toxiproxy: what is on which proxy.

    Attributes:
        broken: Method → how often it still raises LabBroken. With *lands*, after having taken effect.
    """

    toxics: dict[str, dict[str, ToxicSpec]] = field(default_factory=lambda: {proxy: {} for proxy in PROXIES})
    enabled: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(PROXIES, True))
    broken: dict[str, int] = field(default_factory=dict)
    lands: bool = False
    calls: list[str] = field(default_factory=list)
    by_others: list[str] = field(default_factory=list)

    def _does(self, what: str, effect: Callable[[], None]) -> None:
        self.calls.append(what)
        if self.broken.get(what, 0) > 0:
            self.broken[what] -= 1
            if self.lands:
                effect()
            raise LabBroken(f"toxiproxy: {what}: got no answer, expected one")
        effect()

    def add_toxic(self, proxy: str, toxic: ToxicSpec) -> Mapping[str, Any]:
        self._does("add_toxic", lambda: self.toxics[proxy].update({toxic.name: toxic}))
        return {"name": toxic.name, "attributes": dict(toxic.attributes)}

    def remove_toxic(self, proxy: str, name: str) -> None:
        self._does("remove_toxic", lambda: (self.toxics[proxy].pop(name, None), None)[1])

    def set_enabled(self, proxy: str, enabled: bool) -> None:
        self._does("set_enabled", lambda: self.enabled.update({proxy: enabled}))

    def toxic(self, proxy: str, name: str) -> Mapping[str, Any] | None:
        toxic = self.toxics[proxy].get(name)
        return None if toxic is None else {"name": toxic.name, "attributes": dict(toxic.attributes)}

    def is_enabled(self, proxy: str) -> bool:
        return self.enabled[proxy]

    def reset(self) -> None:
        def effect() -> None:
            self.enabled.update(dict.fromkeys(self.enabled, True))
            for toxics in self.toxics.values():
                toxics.clear()

        self._does("reset", effect)

    def deviations(self) -> Sequence[str]:
        self._does("deviations", lambda: None)
        return self.dirt

    def uninvited(self) -> Sequence[str]:
        return self.by_others

    @property
    def dirt(self) -> list[str]:
        """What is not pristine, asked without touching anything."""
        off = [f"proxy {name}: got it disabled" for name, on in self.enabled.items() if not on]
        return off + [f"proxy {name}: got toxic {toxic}" for name, toxics in self.toxics.items() for toxic in toxics]


@dataclass
class FakeProcesses:
    """Process groups; a killed one comes back with a new number after *restart_after_looks* looks at it.

    Attributes:
        asked, misses: Times of questions to the gateway; so many pauses find none.
    """

    clock: FakeClock | None = None
    groups: dict[str, int | None] = field(default_factory=lambda: {"api": 100, "worker": 200, "relay": 300})
    survives_looks: int = 0
    restart_after_looks: int = 2
    killed: list[str] = field(default_factory=list)
    terminated: list[str] = field(default_factory=list)
    resumed: int = 0
    broken: bool = False
    pids_of_nobody: bool = False
    paused: set[str] = field(default_factory=set)
    unresumable: bool = False
    now: Callable[[], float] | None = None
    asked: tuple[float, ...] | None = (999.9,)
    misses: int = 0
    _looks: int = 0
    _born: int = 1000

    def kill_group(self, process: str) -> Signalled:
        if self.broken:
            raise LabBroken(f"supervisor: SIGKILL to {process}: got BAD_NAME, expected it to be done")
        pgid = self.groups[process]
        assert pgid is not None
        self.killed.append(process)
        self.paused.discard(process)
        self.groups[process], self._looks = None, 0
        at = self.now() if self.now else self.clock.now_unix_s() if self.clock else 0.0
        pids = () if self.pids_of_nobody else (pgid, pgid + 1)
        return Signalled(pgid=pgid, pids=pids, at_unix_s=at, asked_unix_s=self.asked)

    def terminate(self, process: str) -> Signalled:
        signalled = self.kill_group(process)
        self.terminated.append(self.killed.pop())
        return signalled

    def survivors(self, process: str, pgid: int) -> Sequence[int]:
        if self.survives_looks > 0:
            self.survives_looks -= 1
            return [pgid + 1]
        return [pgid + 1] if pgid in self.groups.values() else []

    def cpu_s(self, process: str) -> Mapping[int, float]:
        group = self.groups[process]
        return {} if group is None else {group: 1.0}

    def group_of(self, process: str) -> int | None:
        if self.groups[process] is None:
            self._looks += 1
            if self._looks > self.restart_after_looks:
                self._born += 1
                self.groups[process] = self._born
        return self.groups[process]

    def pause_group(self, process: str) -> Signalled:
        if self.broken:
            raise LabBroken(f"supervisor: SIGSTOP to {process}: got BAD_NAME, expected it to be done")
        pgid = self.groups[process]
        assert pgid is not None
        self.paused.add(process)
        self.misses -= 1
        at = self.now() if self.now else self.clock.now_unix_s() if self.clock else 0.0
        asked = () if self.misses >= 0 else self.asked
        return Signalled(pgid=pgid, pids=(pgid, pgid + 1), at_unix_s=at, asked_unix_s=asked)

    def stopped(self, process: str, pgid: int) -> Sequence[int]:
        return [pgid + 1] if pgid in {self.groups[process] for process in self.paused} else []

    def resume(self, process: str) -> None:
        if self.unresumable:
            return
        self.paused.discard(process)

    def resume_all(self) -> None:
        self.resumed += 1
        for process in list(self.paused):
            self.resume(process)

    def deviations(self) -> Sequence[str]:
        return [f"{process}: got paused processes" for process in sorted(self.paused)]


@dataclass
class FakeCanary:
    """Feels what is on the proxies, unless it is *numb*. *slow_s* is a machine that is busy."""

    proxies: FakeProxies
    numb: bool = False
    slow_s: float = 0.0
    dead: set[str] = field(default_factory=set)
    reads: int = 0
    processes: FakeProcesses | None = None

    def read(self, proxy: str, *, timeout_s: float) -> CanaryReading:
        self.reads += 1
        if proxy in self.dead:
            return CanaryReading(connected=True, round_trip_s=None, error="closed without an answer")
        if not self.proxies.enabled[proxy] and not self.numb:
            return CanaryReading(connected=False, round_trip_s=None, error="ConnectionRefusedError")
        toxics = [] if self.numb else list(self.proxies.toxics[proxy].values())
        if any(toxic.type == "timeout" for toxic in toxics):
            return CanaryReading(connected=True, round_trip_s=None, error="TimeoutError")
        delay_s = sum(toxic.attributes.get("latency", 0) / 1000 for toxic in toxics)
        return CanaryReading(connected=True, round_trip_s=ROUND_TRIP_S + self.slow_s + delay_s)

    def echo(self, proxy: str, size: int, *, timeout_s: float, finish: bool = False) -> Exchange:
        self.reads += 1
        if proxy in self.dead:
            return Exchange(connected=True, error="closed")
        if not self.proxies.enabled[proxy] and not self.numb:
            return Exchange(connected=False, error="ConnectionRefusedError")
        took_s, reads, closed_s = ROUND_TRIP_S + self.slow_s, 1, ROUND_TRIP_S + self.slow_s
        for toxic in [] if self.numb else self.proxies.toxics[proxy].values():
            has = toxic.attributes
            if toxic.type in ("reset_peer", "timeout"):
                error = "ConnectionResetError" if toxic.type == "reset_peer" else "TimeoutError"
                return Exchange(connected=True, error=error)
            if toxic.type == "limit_data" and size > has["bytes"]:
                got = has["bytes"] if toxic.stream == "downstream" else 0
                return Exchange(connected=True, received=got, error="closed")
            if toxic.type == "slicer":
                reads = -(-size // has["average_size"])
                took_s += reads * has["delay"] / 1e6
            took_s += has.get("latency", 0) / 1000 + (size / has["rate"] / 1000 if toxic.type == "bandwidth" else 0)
            closed_s += has["delay"] / 1000 if toxic.type == "slow_close" else 0
        return Exchange(
            connected=True,
            received=size,
            whole=True,
            first_s=took_s,
            last_s=took_s,
            reads=reads,
            closed_s=closed_s if finish else None,
        )

    def process(self, name: str, *, timeout_s: float) -> CanaryReading:
        self.reads += 1
        paused = self.processes is not None and name in self.processes.paused and not self.numb
        if paused or name in self.dead:
            return CanaryReading(connected=True, round_trip_s=None, error="ReadTimeout")
        return CanaryReading(connected=True, round_trip_s=ROUND_TRIP_S)


@dataclass
class FakeGateway:
    """Arrival times of the charges that are under way, and how many calls there were between any two moments.

    Attributes:
        switches: Fault → its settings.
        numb: The canary's charge is never hit. *sick*: it always fails.
        every: A switch with a share hits each so many-th canary.
    """

    in_flight: list[float] = field(default_factory=list)
    calls: int = 3
    asked: list[tuple[tuple[float, ...], float]] = field(default_factory=list)
    healed: int = 0
    broken: bool = False
    switches: dict[str, dict[str, Any]] = field(default_factory=dict)
    hit: dict[str, int] = field(default_factory=lambda: {"status": 0, "charge_then_drop": 0})
    numb: bool = False
    sick: bool = False
    every: int = 1
    canaries: int = 0
    seeds: list[int] = field(default_factory=list)

    def switch(self, fault: str, settings: Mapping[str, Any], *, seed: int) -> Mapping[str, Any]:
        if self.broken:
            raise LabBroken("gateway: PUT /lab/faults: got ConnectError, expected an answer")
        self.seeds.append(seed)
        self.switches[fault] = dict(settings)
        return dict(settings)

    def settings(self, fault: str) -> Mapping[str, Any]:
        return dict(self.switches[fault])

    def hits(self, fault: str) -> int:
        return self.hit.get(fault, 0)

    def canary(self, *, timeout_s: float) -> GatewayReading:
        self.canaries += 1
        on = {fault for fault, settings in self.switches.items() if settings["ratio"]}
        if self.sick:
            return GatewayReading(status=None, captured=False, error="ConnectError")
        if self.numb or not on or self.canaries % self.every:
            return GatewayReading(status=201, captured=True)
        if "status" in on:
            return GatewayReading(status=self.switches["status"]["code"], captured=False)
        return GatewayReading(status=None, captured=True, error="RemoteProtocolError")

    def deviations(self) -> Sequence[str]:
        return [f"gateway: got the fault {fault}" for fault, settings in self.switches.items() if settings["ratio"]]

    def in_flight_since(self) -> Sequence[float]:
        if self.broken:
            raise LabBroken("gateway: GET /lab/inflight: got ConnectError, expected an answer")
        return self.in_flight

    def charges_among(self, asked_unix_s: Sequence[float], until_unix_s: float) -> int:
        self.asked.append((tuple(asked_unix_s), until_unix_s))
        return self.calls

    def heal(self) -> None:
        self.healed += 1
        self.switches.clear()


@dataclass
class FakeUpstream:
    """Counts what met a fault since it was marked."""

    count: int = 5
    marks: list[str] = field(default_factory=list)
    asked: list[tuple[str, bool]] = field(default_factory=list)
    broken: bool = False

    def mark(self, proxy: str) -> Mapping[str, Any]:
        self.marks.append(proxy)
        return {"n": 1}

    def met(self, proxy: str, since: Mapping[str, Any], *, cut: bool) -> tuple[int, str]:
        self.asked.append((proxy, cut))
        if self.broken:
            raise LabBroken("postgres: got connection refused, expected an answer")
        assert since == {"n": 1}
        return self.count, "cut" if cut else "passed"


@dataclass
class FakeClient:
    """The client's history."""

    unanswered: int = 0
    waiting: int = 0
    asked: list[tuple[float, float]] = field(default_factory=list)

    def unanswered_between(self, since_unix_s: float, until_unix_s: float) -> int:
        self.asked.append((since_unix_s, until_unix_s))
        return self.unanswered

    def waiting_between(self, since_unix_s: float, until_unix_s: float) -> int:
        self.asked.append((since_unix_s, until_unix_s))
        return self.waiting


@dataclass
class FakeGate:
    """Databases that have a gate; *stays*: it can't be removed."""

    databases: list[str] = field(default_factory=list)
    stays: bool = False

    def deviations(self) -> list[str]:
        return [f"{database}: has the gate of forced interleavings" for database in self.databases]

    def remove(self) -> None:
        if not self.stays:
            self.databases.clear()


class Outside:
    """A whole lab of fakes."""

    def __init__(self, clock: Any = None) -> None:
        self.clock = clock or FakeClock()
        self.proxies = FakeProxies()
        self.processes = FakeProcesses(now=self.clock.now_unix_s)
        self.canary = FakeCanary(self.proxies, processes=self.processes)
        self.gateway = FakeGateway()
        self.gate = FakeGate()
        self.upstream = FakeUpstream()
        self.client = FakeClient()

    @property
    def lab(self) -> Lab:
        return Lab(
            proxies=self.proxies,
            processes=self.processes,
            canary=self.canary,
            gateway=self.gateway,
            gate=self.gate,
            upstream=self.upstream,
            client=self.client,
            clock=self.clock,
        )


NOTHING_PENDING = Pending(orders=0, outbox=0, queued=0, unacked=0)


@dataclass
class FakeWorld:
    """The end state; *pendings* is what is left to do, one look after the other, the last one for ever."""

    pendings: list[Pending | str] = field(default_factory=lambda: [NOTHING_PENDING])
    missing: set[str] = field(default_factory=set)
    state: dict[str, list[Any]] = field(default_factory=dict)
    moments: list[list[str]] = field(default_factory=lambda: [[]])

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        self.moments.append([])
        yield
        self.moments.append([])

    def _ask(self, witness: str) -> list[Any]:
        self.moments[-1].append(witness)
        if witness in self.missing:
            raise LabBroken(f"{witness}: got nobody, expected a witness")
        return self.state.get(witness, [])

    def tiers(self) -> list[Tier]:
        return self._ask("tiers")

    def orders(self) -> list[Order]:
        return self._ask("orders")

    def tickets(self) -> list[Ticket]:
        return self._ask("tickets")

    def passwords(self) -> list[StoredPassword]:
        return self._ask("passwords")

    def side_effects(self) -> list[SideEffect]:
        return self._ask("side_effects")

    def charges(self) -> list[Charge]:
        return self._ask("charges")

    def gateway_calls(self) -> list[GatewayCall]:
        return self._ask("gateway_calls")

    def refunds(self) -> list[Refund]:
        return self._ask("refunds")

    def mails(self) -> list[Mail]:
        return self._ask("mails")

    def pending_view(self) -> list[PendingView]:
        return self._ask("pending")

    def commits(self) -> list[Commit]:
        return self._ask("commits")

    def broker_messages(self) -> list[BrokerMessage]:
        return self._ask("broker_messages")

    def postgres_errors(self) -> list[dict[str, Any]]:
        return self._ask("postgres_errors")

    def pending(self) -> Pending:
        now = self.pendings.pop(0) if len(self.pendings) > 1 else self.pendings[0]
        if isinstance(now, str):
            raise LabBroken(now)
        return now


@dataclass
class FakeCustomers:
    """Shows every order as paid; *asked* remembers which, and with which token.

    Attributes:
        left: Seats that each tier has left at the first look, the second one and so on.
        looks: Event and number of each look.
    """

    asked: list[tuple[str, str]] = field(default_factory=list)
    left: list[int] = field(default_factory=lambda: [0])
    looks: list[tuple[str, int]] = field(default_factory=list)
    silent: bool = False

    def order(self, order_id: str, *, access: str, customer: int, asker: Asker) -> Shown:
        self.asked.append((order_id, access))
        return Shown(order_id=order_id, http_status=0 if self.silent else 200, order_status="paid")

    def seats(self, slug: str, tiers: Collection[int], *, look: int, asker: Asker) -> list[SeatsShown]:
        self.looks.append((slug, look))
        if self.silent:
            return [SeatsShown(tier_id=tier, http_status=0) for tier in tiers]
        left = self.left[min(look, len(self.left)) - 1]
        return [SeatsShown(tier_id=tier, http_status=200, remaining=left) for tier in tiers]


@dataclass
class FakeStack:
    """Writes a world with secrets, as the real one does."""

    error: Exception | None = None
    ping: bool = True
    parts: dict[str, str] = field(default_factory=lambda: {"postgres": "1", "worker": "2"})
    prepared: list[dict[str, Any]] = field(default_factory=list)

    def prepare(
        self, *, variant: str, seed: int, world: Mapping[str, int], world_file: Path, rows: int | None = None
    ) -> Mapping[str, Any]:
        more = {} if rows is None else {"rows": rows}
        self.prepared.append({"variant": variant, "seed": seed, "world": dict(world), **more})
        content = {"password": "p4ss", "customers": [{"id": 1, "access": "acc3ss", "refresh": "r3fresh"}]}
        world_file.write_bytes(msgspec.json.encode(content))
        if self.error is not None:
            raise self.error
        return {"timings_s": {"total": 1.5}}

    def fill(
        self, *, variant: str, seed: int, world: Mapping[str, int], world_file: Path, rows: int, edition: int = 0
    ) -> None:
        self.prepared.append({"variant": variant, "seed": seed, "filled": rows, "edition": edition})

    def identities(self) -> Mapping[str, str]:
        return dict(self.parts)

    def worker_answers(self, timeout_s: float) -> bool:
        return self.ping


@dataclass
class FakeWatch:
    """Tells its *strangers* at once."""

    strangers: list[str] = field(default_factory=list)
    problem: str = ""

    def start(self, tell: Callable[[str], None]) -> None:
        for what in self.strangers:
            tell(what)

    def wait_ready(self) -> None:
        pass

    def stop(self) -> str:
        return self.problem


@dataclass
class FakeLease:
    """Remembers what was promised, in order."""

    events: list[str] = field(default_factory=list)
    broken: bool = False

    def renew(self, *, run_id: str, folder: Path, ttl_s: float) -> None:
        if self.broken:
            raise LabBroken("agent: PUT /lease: got ConnectError, expected an answer")
        self.events.append("renew")

    def release(self, *, run_id: str) -> None:
        self.events.append("release")


@dataclass
class FakeView:
    """What a person would have read."""

    said: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    progressed: threading.Event = field(default_factory=threading.Event)
    on_event: Callable[[Event], None] | None = None

    def say(self, text: str) -> None:
        self.said.append(text)

    def event(self, event: Event) -> None:
        self.events.append(event)
        if self.on_event is not None:
            self.on_event(event)

    def progress(self, progress: Progress, active_faults: tuple[str, ...]) -> None:
        self.progressed.set()
