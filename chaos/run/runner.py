"""The run, step by step. What happens is journalled as it happens; judging comes later and reads only the folder."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import msgspec

from chaos.collect import collect
from chaos.config import LEASE_S, bind_host
from chaos.errors import FiredrillError, LabBroken
from chaos.heal import heal
from chaos.journal import Journal, read_events
from chaos.model.evidence import PATCH, EndState
from chaos.model.journal import Event, EventKind
from chaos.model.loadplan import Elsewhere, LoadPlan, Progress
from chaos.model.scenario import Scenario
from chaos.plan import Plan, plan
from chaos.ports import Lab, LeaseKeeper, StackControl, Tracer, WorldWitness
from chaos.run import folder as folders
from chaos.run.driver import LOAD_DRIVER, Driver
from chaos.run.faults import Faults
from chaos.run.lease import Lease
from chaos.run.live import LiveHistory
from chaos.run.samplers import HostFile, MetricsFile, Sampler
from chaos.run.settle import settle
from chaos.run.trace import Traced
from chaos.run.watch import GuardrailWatch, steady_state_findings

TICK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long a run waits for what, in seconds.

    Attributes:
        driver_start_s: From the driver's start to its schedule: it imports Locust, tests itself and connects.
        driver_ready_s: How late it may say that it is ready.
        driver_end_s: Operations may be under way when the last phase ends: a timeout each, then polls in their budget.
        steady_grace_s: What the first phase's last operations get to end before the steady state is judged.
        heal_s: For lifting everything, again and again.
        worker_ping_s: For the worker's answer after settling.
    """

    driver_start_s: float = 5.0
    driver_ready_s: float = 3.0
    driver_end_s: float = 30.0
    steady_grace_s: float = 1.0
    heal_s: float = 45.0
    worker_ping_s: float = 3.0


class View(Protocol):
    """Shows a run to somebody. Called from several threads."""

    def say(self, text: str) -> None:
        """A step of its own."""

    def event(self, event: Event) -> None:
        """Something that was journalled."""

    def progress(self, progress: Progress, active_faults: tuple[str, ...]) -> None:
        """Twice a second while the load runs."""


class Aborted(Exception):
    """The run stops here: healed, collected, and inconclusive. *by* as in docs/evidence.md."""

    def __init__(self, reason: str, *, by: str) -> None:
        super().__init__(reason)
        self.by = by


class Stop:
    """Somebody asked the run to end. Set by a signal, looked at between steps, so that healing is never cut."""

    def __init__(self) -> None:
        self.reason = ""
        self._event = threading.Event()

    def ask(self, reason: str) -> None:
        """Idempotent; the first reason stays."""
        self.reason = self.reason or reason
        self._event.set()

    @property
    def asked(self) -> bool:
        """Whether to end."""
        return self._event.is_set()

    def check(self) -> None:
        """Raises: Aborted."""
        if self.asked:
            raise Aborted(self.reason, by="user")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The outside world of a run.

    Attributes:
        lab: For a variant: what faults may touch.
        world: For a variant: its end state.
        mark_log: For a variant: remember where PostgreSQL's log stands, and record the broker from here on.
        metrics: Service → URL of its /metrics.
        tracer: Keeps the statements and log lines that explain the run; None goes without.
        driver: Command that plays the load plan whose file is its last argument.
        keep_open: File descriptors for the driver to hold, such as the lab's lock.
    """

    stack: StackControl
    lease: LeaseKeeper
    lab: Lab
    world: WorldWitness
    mark_log: Callable[[], None]
    api_url: str
    metrics: Mapping[str, str | None]
    driver_metrics_port: int
    tracer: Tracer | None = None
    driver: Sequence[str] = LOAD_DRIVER
    keep_open: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to run.

    Attributes:
        scale: Factor on all rates, for larger or smaller machines.
        workers: Load workers; more than one for loads beyond a core.
        elsewhere: Where load workers on other hosts meet the driver; None starts them here.
        root: Where evidence folders are made.
        learner: Whose lab this is; empty when nobody said.
        patch: What the learner changed in the code that runs, None where that comes with the lab; asked once it runs.
        pace: How long to wait for what.
    """

    scenario: Scenario
    variant: str
    root: Path
    seed: int | None = None
    scale: float = 1.0
    workers: int = 1
    elsewhere: Elsewhere | None = None
    versions: Mapping[str, str]
    learner: str = ""
    patch: Callable[[], bytes | None] = lambda: None
    pace: Pace = Pace()


def perform(request: Request, tools: Tools, view: View, stop: Stop) -> Path:
    """Run to the end of collecting and return the evidence folder, ready for judging.

    Raises: LearnerCodeError when the variant can't start: nothing was run. LabBroken when a fault could not be
    lifted (the folder is complete up to there) or when there is no room for evidence.
    """
    return _Run(request, tools, view, stop).perform()


class _Run:
    def __init__(self, request: Request, tools: Tools, view: View, stop: Stop) -> None:
        self._request, self._tools, self._view, self._stop = request, tools, view, stop
        self._scenario = request.scenario
        self._plan: Plan = plan(request.scenario, seed=request.seed, scale=request.scale)
        now = tools.lab.clock.now_unix_s()
        run_id = folders.new_run_id(request.scenario.slug, request.variant, self._plan.seed, now_unix_s=now)
        self._folder = folders.create(request.root, run_id)
        self._run_id = self._folder.name
        self._pace = request.pace
        self._t0_unix_s = 0.0
        self._loaded_until_s = 0.0
        self._state = EndState()
        self._faults: Faults | None = None
        self._lease: Lease | None = None
        self._traced: Traced | None = None
        self._patch: bytes | None = None

    def perform(self) -> Path:
        prepared = self._prepare()
        try:
            (self._folder / "scenario.yaml").write_text(self._scenario.text, encoding="utf-8")
            if self._patch is not None:
                (self._folder / PATCH).write_bytes(self._patch)
            with Journal(self._folder / "journal.jsonl") as journal:
                self._journal = journal
                journal.listeners.append(self._view.event)
                broken = self._journalled(prepared)
        except OSError as error:
            broken = [self._no_room(error)]
        finally:
            with suppress(OSError):  # also when nothing else could be written
                folders.strip_secrets(self._folder / "world.json")
        if broken:
            raise LabBroken("\n".join(broken))
        return self._folder

    def _journalled(self, prepared: Mapping[str, Any]) -> list[str]:
        """From the first event to the last; why the lab is broken, if it is."""
        started = time.monotonic()
        self._journal.write(
            EventKind.RUN_STARTED,
            run_id=self._run_id,
            scenario=self._scenario.name,
            title=self._scenario.title,
            drill=self._scenario.drill,
            variant=self._request.variant,
            seed=self._plan.seed,
            scale=self._plan.scale,
            learner=self._request.learner,
            versions=dict(self._request.versions),
        )
        self._journal.write(
            EventKind.PREPARED,
            variant=self._request.variant,
            code=str(prepared.get("identities", {}).get("code", "")),
            timings_s=prepared.get("timings_s", {}),
        )
        left: Sequence[str] = ()
        try:
            self._under_load()
        except Aborted as aborted:
            self._aborted(str(aborted), aborted.by)
        except (FiredrillError, OSError) as error:
            self._aborted(str(error), "lab")
        finally:
            self._loaded_until_s = min(self._now_s(), self._plan.ends_s) if self._t0_unix_s else 0.0
            left = self._heal()
            if self._lease is not None:
                # What could not be lifted is the agent's: it tries again once the lease has run out.
                self._lease.end(release=not left)
        broken = [f"heal: got {'; '.join(left)}, expected pristine proxies (firedrill heal)"] if left else []
        steps: tuple[Callable[[], object], ...] = (
            self._settle_and_collect,
            self._end_trace,
            lambda: folders.strip_secrets(self._folder / "world.json"),
            lambda: folders.compress_history(self._folder),
            lambda: folders.merge_samples(self._folder),
            lambda: folders.merge_watchdog(self._folder, self._journal),
            lambda: self._journal.write(EventKind.RUN_ENDED, duration_s=round(time.monotonic() - started, 3)),
        )
        for step in steps:
            try:
                step()
            except OSError as error:
                broken.append(self._no_room(error))
        return list(dict.fromkeys(broken))

    def _no_room(self, error: OSError) -> str:
        return f"{self._folder}: got {error.strerror or error}, expected room to write the evidence"

    def _now_s(self) -> float:
        """Seconds since the load's start."""
        return self._tools.lab.clock.now_unix_s() - self._t0_unix_s

    def _prepare(self) -> Mapping[str, Any]:
        self._view.say(f"preparing {self._request.variant}: switch, empty, seed, start")
        try:
            prepared = self._tools.stack.prepare(
                variant=self._request.variant,
                seed=self._plan.seed,
                world=self._scenario.world.asked(),
                world_file=self._folder / "world.json",
            )
            if self._scenario.access_table:
                folders.require_served(self._scenario.access_table, self._folder / "world.json", self._request.variant)
            self._patch = self._request.patch()
            return prepared
        except BaseException:
            self._forget_folder()  # nothing has happened yet that could be evidence
            raise

    def _forget_folder(self) -> None:
        (self._folder / "world.json").unlink(missing_ok=True)
        with suppress(OSError):
            (self._folder / "history").rmdir()
            self._folder.rmdir()

    def _aborted(self, reason: str, by: str) -> None:
        self._view.say(f"aborted: {reason}")
        with suppress(OSError):
            self._journal.write(EventKind.ABORTED, reason=reason, by=by)

    def _identities(self, when: str) -> None:
        # Named by kind and not by id: whoever is killed comes back as somebody else.
        killed = {fault.params.on for fault in self._scenario.faults if fault.kind == "kill"}
        expected = sorted(killed | set(self._scenario.may_restart))
        try:
            parts = dict(self._tools.stack.identities())
        except FiredrillError as error:
            self._journal.write(EventKind.NOTE, text=f"identities {when}: {error}")
            return
        self._journal.write(EventKind.IDENTITY, when=when, parts=parts, expected_restarts=expected)

    def _load_plan(self) -> LoadPlan:
        return LoadPlan(
            run_id=self._run_id,
            scenario=self._scenario.name,
            variant=self._request.variant,
            seed=self._plan.seed,
            t0_unix_s=self._t0_unix_s,
            base_url=self._tools.api_url,
            world_file=str(self._folder / "world.json"),
            out_dir=str(self._folder),
            phases=list(self._plan.phases),
            workers=self._request.workers,
            elsewhere=self._request.elsewhere,
            double_click_ratio=self._scenario.double_click_ratio,
            access_table=self._scenario.access_table,
            metrics_port=self._tools.driver_metrics_port,
            metrics_host=bind_host(),
        )

    def _under_load(self) -> None:
        """From the driver's start to the end of its last operation, with every fault in between."""
        self._stop.check()
        self._identities("before")
        self._tools.mark_log()
        self._traced = Traced(self._tools.tracer, lasts_s=self._plan.ends_s, note=self._note)
        self._traced.start()
        clock = self._tools.lab.clock
        with ExitStack() as stack:
            # Nobody knows when workers elsewhere come: only then can the schedule have a time.
            mustered = stack.enter_context(self._driver()) if self._request.elsewhere else None
            if mustered is not None:
                self._muster(mustered)
            self._t0_unix_s = self._journal.t0_unix_s = round(clock.now_unix_s() + self._pace.driver_start_s, 3)
            live = LiveHistory(self._folder / "history", t0_unix_s=self._t0_unix_s)
            lab = replace(self._tools.lab, client=live)
            self._lease = Lease(
                self._tools.lease, run_id=self._run_id, folder=self._folder, ttl_s=LEASE_S, on_trouble=self._note
            )
            self._lease.take()
            stack.enter_context(self._sampled())
            if mustered is not None:
                mustered.play(self._load_plan())
            driver = mustered or stack.enter_context(self._driver())
            self._wait(-min(0.5, self._pace.driver_start_s / 2), driver)
            driver.wait_ready(self._pace.driver_ready_s)
            self._journal.write(
                EventKind.LOAD_STARTED,
                t0_unix_s=self._t0_unix_s,
                phases=[msgspec.to_builtins(p) for p in self._plan.phases],
            )
            self._faults = stack.enter_context(
                Faults(self._plan.faults, lab=lab, journal=self._journal, t0_unix_s=self._t0_unix_s,
                       ends_s=self._plan.ends_s)
            )  # fmt: skip
            watch = GuardrailWatch(self._scenario.guardrails, live)
            steady = self._steady_state(live)
            for phase in self._plan.phases:
                ends_s = phase.start_s + phase.duration_s
                self._wait(phase.start_s, driver, watch, steady)
                self._journal.write(EventKind.PHASE_STARTED, phase=phase.name, start_s=phase.start_s, end_s=ends_s)
                self._wait(ends_s, driver, watch, steady)
                self._journal.write(EventKind.PHASE_ENDED, phase=phase.name)
            self._faults.join()
            self._drain(driver)
            steady(math.inf)

    def _driver(self) -> Driver:
        return Driver(
            self._tools.driver,
            self._folder / "load-plan.json",
            self._load_plan(),
            on_progress=self._progress,
            keep_open=self._tools.keep_open,
        )

    def _muster(self, driver: Driver) -> None:
        """Wait for load workers on other hosts; how long is the driver's matter. Raises: Aborted."""
        while not driver.mustered.is_set():
            self._stop.check()
            if driver.exit_code is not None:
                raise Aborted(f"the load driver gave up: {driver.complaint()}", by="driver")
            self._tools.lab.clock.sleep(TICK_S)

    @contextmanager
    def _sampled(self) -> Iterator[None]:
        """host.jsonl and metrics.jsonl.gz fill while the block lasts."""
        clock = self._tools.lab.clock
        host = HostFile(self._folder / "host.jsonl", api_cpu_s=self._api_cpu_s)
        metrics = MetricsFile(self._folder / "metrics.jsonl.gz", self._tools.metrics)
        samplers = [
            Sampler(name, file.sample, t0_unix_s=self._t0_unix_s, now=clock.now_unix_s)
            for name, file in (("host", host), ("metrics", metrics))
        ]
        for sampler in samplers:
            sampler.start()
        try:
            yield
        finally:
            for sampler in samplers:
                sampler.stop()
            host.close()
            metrics.close()

    def _api_cpu_s(self) -> Mapping[int, float]:
        try:
            return self._tools.lab.processes.cpu_s("api")
        except FiredrillError:
            return {}

    def _steady_state(self, live: LiveHistory) -> Callable[[float], None]:
        """Judges the first phase once, as soon as its last operations had a moment to end. Raises: Aborted."""
        first = self._plan.phases[0]
        ends_s = first.start_s + first.duration_s
        judged = False

        def judge(now_s: float) -> None:
            nonlocal judged
            if judged or now_s < ends_s + self._pace.steady_grace_s:
                return
            judged = True
            met, findings = steady_state_findings(self._scenario.steady_state, live.between(first.start_s, ends_s))
            self._journal.write(EventKind.STEADY_STATE, met=met, findings=findings)
            if not met:
                raise Aborted(f"no steady state in {first.name}: {'; '.join(findings)}", by="steady_state")

        return judge

    def _wait(
        self,
        until_s: float,
        driver: Driver,
        watch: GuardrailWatch | None = None,
        steady: Callable[[float], None] | None = None,
    ) -> None:
        """Until that moment of the load's clock. Raises: Aborted by hand, by a guardrail, or without a driver."""
        while (now_s := self._now_s()) < until_s:
            self._stop.check()
            # Its last operation may end before the last phase does; then it has nothing left to do.
            done = driver.exit_code == 0 and now_s >= self._plan.phases[-1].start_s
            if driver.exit_code is not None and not done:
                raise Aborted(
                    f"the load driver ended with exit code {driver.exit_code}: {driver.complaint()}", by="driver"
                )
            if steady is not None:
                steady(now_s)
            if watch is not None and (tripped := watch.look(now_s)) is not None:
                self._journal.write(EventKind.GUARDRAIL, **tripped)
                raise Aborted(f"guardrail {tripped['probe']}: {tripped['reason']}", by="guardrail")
            self._tools.lab.clock.sleep(min(TICK_S, max(0.0, until_s - now_s)))

    def _drain(self, driver: Driver) -> None:
        """Let the operations under way end, then note how the driver ended."""
        give_up_s = self._plan.ends_s + self._pace.driver_end_s
        while driver.exit_code is None and self._now_s() < give_up_s:
            self._stop.check()
            self._tools.lab.clock.sleep(TICK_S)
        code = driver.exit_code
        ended = "finished" if code == 0 else "stopped" if code is None else "crashed"
        self._journal.write(EventKind.LOAD_ENDED, ended=ended, exit_code=code)

    def _progress(self, progress: Progress) -> None:
        for note in progress.note.splitlines():
            self._note(note)
        if not self._t0_unix_s:
            return  # it waits for its workers
        with suppress(OSError, ValueError):  # the terminal has gone; the driver's pipe still has to be read
            self._view.progress(progress, self._faults.active if self._faults else ())

    def _note(self, text: str) -> None:
        with suppress(OSError):
            self._journal.write(EventKind.NOTE, text=text)

    def _heal(self) -> Sequence[str]:
        """Lift everything and assert it. Never raises: what could not be lifted is returned, and on record."""
        lifted, left = heal(self._tools.lab, patience_s=self._pace.heal_s)
        with suppress(OSError):
            if left:
                self._journal.write(EventKind.HEAL_FAILED, left=list(left), reason="still there after healing")
            else:
                self._journal.write(EventKind.HEALED, pristine=True, lifted=list(lifted))
        return left

    def _settle_and_collect(self) -> None:
        clock, lab = self._tools.lab.clock, self._tools.lab
        self._view.say("settling: every accepted order has to become final")
        until = self._promise_unix_s()
        result = settle(self._tools.world, clock, until_unix_s=until, stopped=lambda: self._stop.asked)
        canaries = {
            proxy: lab.canary.read(proxy, timeout_s=3.0).round_trip_s is not None
            for proxy in ("shop_to_postgres", "shop_to_cache", "shop_to_broker", "shop_to_gateway")
        }
        try:
            ping = self._tools.stack.worker_answers(self._pace.worker_ping_s)
        except FiredrillError:
            ping = False
        self._state.settled, self._state.settle_s = result.settled, round(result.settle_s, 3)
        self._state.healthy = ping and all(canaries.values())
        self._state.cut = result.cut
        self._journal.write(
            EventKind.SETTLED,
            settled=result.settled,
            healthy=self._state.healthy,
            pending=None if result.pending is None else asdict(result.pending),
            settle_s=self._state.settle_s,
            reason=result.reason,
            canaries=canaries,
            worker_ping=ping,
        )
        collect(self._tools.world, self._state)
        self._identities("after")
        (self._folder / "state.json").write_bytes(msgspec.json.format(msgspec.json.encode(self._state), indent=1))
        counts = {
            name: len(value)
            for name in self._state.__struct_fields__
            if isinstance(value := getattr(self._state, name), list)
        }
        self._journal.write(EventKind.COLLECTED, missing=self._state.missing, counts=counts)

    def _end_trace(self) -> None:
        if self._traced is not None:
            self._traced.end(self._folder)

    def _promise_unix_s(self) -> float:
        """When the contract promises every accepted order to be final; now when there was no load."""
        if not self._t0_unix_s:
            return 0.0
        # Orders are accepted until the load ends: each gets the whole promise.
        return self._t0_unix_s + max(self._loaded_until_s, *self._lifts_s()) + self._scenario.settle_s

    def _lifts_s(self) -> list[float]:
        events = read_events(self._folder / "journal.jsonl")
        lifts = [event.data.get("lifted_s") for event in events if event.event is EventKind.FAULT_LIFTED]
        return [0.0, *(float(lifted_s) for lifted_s in lifts if lifted_s is not None)]
