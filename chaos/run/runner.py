"""The run, step by step. What happens is journalled as it happens; judging comes later and reads only the folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import msgspec

from chaos.collect import collect
from chaos.config import LEASE_S
from chaos.errors import FiredrillError, LabBroken
from chaos.heal import heal
from chaos.journal import Journal, read_events
from chaos.model.evidence import EndState
from chaos.model.journal import Event, EventKind
from chaos.model.loadplan import LoadPlan, Progress
from chaos.model.scenario import Scenario
from chaos.plan import Plan, plan
from chaos.ports import Lab, LeaseKeeper, StackControl, WorldWitness
from chaos.run import folder as folders
from chaos.run.driver import Driver
from chaos.run.faults import Faults
from chaos.run.lease import Lease
from chaos.run.live import LiveHistory
from chaos.run.samplers import HostFile, MetricsFile, Sampler
from chaos.run.settle import settle
from chaos.run.watch import GuardrailWatch, steady_state_findings

TICK_S = 0.05
# The driver imports Locust, runs its self-test and connects; its schedule starts this long after it was started.
DRIVER_START_S = 5.0
# Operations may still be under way when the last phase ends: a timeout each, then polls within their budget.
DRIVER_END_S = 30.0
STEADY_GRACE_S = 1.0
HEAL_PATIENCE_S = 45.0
WORKER_PING_S = 3.0


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
        mark_log: For a variant: remember where PostgreSQL's log stands.
        metrics: Service → URL of its /metrics.
    """

    stack: StackControl
    lease: LeaseKeeper
    lab: Lab
    world: WorldWitness
    mark_log: Callable[[], None]
    api_url: str
    metrics: Mapping[str, str | None]
    driver_metrics_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to run.

    Attributes:
        scale: Factor on all rates, for larger or smaller machines.
        workers: Load workers; more than one for loads beyond a core.
        root: Where evidence folders are made.
    """

    scenario: Scenario
    variant: str
    root: Path
    seed: int | None = None
    scale: float = 1.0
    workers: int = 1
    versions: Mapping[str, str]


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
        self._t0_unix_s = 0.0
        self._state = EndState()
        self._faults: Faults | None = None

    def perform(self) -> Path:
        prepared = self._prepare()
        (self._folder / "scenario.yaml").write_text(self._scenario.text, encoding="utf-8")
        with Journal(self._folder / "journal.jsonl") as journal:
            self._journal = journal
            journal.listeners.append(self._view.event)
            started = time.monotonic()
            journal.write(
                EventKind.RUN_STARTED,
                run_id=self._run_id,
                scenario=self._scenario.name,
                title=self._scenario.title,
                drill=self._scenario.drill,
                variant=self._request.variant,
                seed=self._plan.seed,
                scale=self._plan.scale,
                versions=dict(self._request.versions),
            )
            journal.write(EventKind.PREPARED, variant=self._request.variant, timings_s=prepared.get("timings_s", {}))
            broken: LabBroken | None = None
            try:
                self._under_load()
            except Aborted as aborted:
                self._aborted(str(aborted), aborted.by)
            except (FiredrillError, OSError) as error:
                self._aborted(str(error), "lab")
            finally:
                broken = self._heal()
            self._settle_and_collect()
            folders.strip_secrets(self._folder / "world.json")
            folders.compress_history(self._folder)
            journal.write(EventKind.RUN_ENDED, duration_s=round(time.monotonic() - started, 3))
        if broken is not None:
            raise broken
        return self._folder

    def _prepare(self) -> Mapping[str, Any]:
        self._view.say(f"preparing {self._request.variant}: switch, empty, seed, start")
        try:
            return self._tools.stack.prepare(
                variant=self._request.variant,
                seed=self._plan.seed,
                world=asdict(self._scenario.world),
                world_file=self._folder / "world.json",
            )
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
        killed = sorted({fault.params.on for fault in self._scenario.faults if fault.kind == "kill"})
        try:
            parts = dict(self._tools.stack.identities())
        except FiredrillError as error:
            self._journal.write(EventKind.NOTE, text=f"identities {when}: {error}")
            return
        self._journal.write(EventKind.IDENTITY, when=when, parts=parts, expected_restarts=killed)

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
            metrics_port=self._tools.driver_metrics_port,
        )

    def _under_load(self) -> None:
        """From the driver's start to the end of its last operation, with every fault in between."""
        self._stop.check()
        self._identities("before")
        self._tools.mark_log()
        clock = self._tools.lab.clock
        self._t0_unix_s = self._journal.t0_unix_s = round(clock.now_unix_s() + DRIVER_START_S, 3)
        live = LiveHistory(self._folder / "history", t0_unix_s=self._t0_unix_s)
        lab = replace(self._tools.lab, client=live)
        with ExitStack() as stack:
            stack.enter_context(
                Lease(self._tools.lease, run_id=self._run_id, folder=self._folder, ttl_s=LEASE_S, on_trouble=self._note)
            )
            stack.enter_context(self._sampled())
            driver = stack.enter_context(
                Driver(self._folder / "load-plan.json", self._load_plan(), on_progress=self._progress)
            )
            self._wait(-0.5, driver)
            driver.wait_ready(3.0)
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
            for index, phase in enumerate(self._plan.phases):
                ends_s = phase.start_s + phase.duration_s
                self._wait(phase.start_s, driver, watch)
                self._journal.write(EventKind.PHASE_STARTED, phase=phase.name, start_s=phase.start_s, end_s=ends_s)
                self._wait(ends_s, driver, watch, also=self._steady_state(live) if index == 1 else None)
                self._journal.write(EventKind.PHASE_ENDED, phase=phase.name)
            if len(self._plan.phases) == 1:
                self._steady_state(live)(self._plan.ends_s + STEADY_GRACE_S)
            self._faults.join()
            self._drain(driver)

    @contextmanager
    def _sampled(self) -> Iterator[None]:
        """host.jsonl and metrics.jsonl.gz fill while the block lasts."""
        clock = self._tools.lab.clock
        host = HostFile(self._folder / "host.jsonl", api_group=self._api_group)
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

    def _api_group(self) -> int | None:
        try:
            return self._tools.lab.processes.group_of("api")
        except FiredrillError:
            return None

    def _steady_state(self, live: LiveHistory) -> Callable[[float], bool]:
        """Judges the first phase once its last operations had a second to end; then it is done."""
        first = self._plan.phases[0]
        ends_s = first.start_s + first.duration_s

        def judge(now_s: float) -> bool:
            if now_s < ends_s + STEADY_GRACE_S:
                return False
            met, findings = steady_state_findings(self._scenario.steady_state, live.between(first.start_s, ends_s))
            self._journal.write(EventKind.STEADY_STATE, met=met, findings=findings)
            if not met:
                raise Aborted(f"no steady state in {first.name}: {'; '.join(findings)}", by="steady_state")
            return True

        return judge

    def _wait(
        self,
        until_s: float,
        driver: Driver,
        watch: GuardrailWatch | None = None,
        also: Callable[[float], bool] | None = None,
    ) -> None:
        """Until that moment of the load's clock. Raises: Aborted by hand, by a guardrail, or without a driver."""
        clock = self._tools.lab.clock
        while (now_s := clock.now_unix_s() - self._t0_unix_s) < until_s:
            self._stop.check()
            if driver.exit_code is not None:
                raise Aborted(
                    f"the load driver ended with exit code {driver.exit_code}: {driver.complaint()}", by="driver"
                )
            if also is not None and also(now_s):
                also = None
            if watch is not None and (tripped := watch.look(now_s)) is not None:
                self._journal.write(EventKind.GUARDRAIL, **tripped)
                raise Aborted(f"guardrail {tripped['probe']}: {tripped['reason']}", by="guardrail")
            clock.sleep(min(TICK_S, max(0.0, until_s - now_s)))

    def _drain(self, driver: Driver) -> None:
        """Let the operations under way end, then note how the driver ended."""
        give_up_s = self._plan.ends_s + DRIVER_END_S
        while driver.exit_code is None and self._tools.lab.clock.now_unix_s() - self._t0_unix_s < give_up_s:
            self._stop.check()
            self._tools.lab.clock.sleep(TICK_S)
        code = driver.exit_code
        ended = "finished" if code == 0 else "stopped" if code is None else "crashed"
        self._journal.write(EventKind.LOAD_ENDED, ended=ended, exit_code=code)

    def _progress(self, progress: Progress) -> None:
        self._view.progress(progress, self._faults.active if self._faults else ())

    def _note(self, text: str) -> None:
        with suppress(OSError):
            self._journal.write(EventKind.NOTE, text=text)

    def _heal(self) -> LabBroken | None:
        """Lift everything and assert it. Never raises: what could not be lifted is returned, and on record."""
        lifted, left = heal(self._tools.lab, patience_s=HEAL_PATIENCE_S)
        with suppress(OSError):
            if not left:
                self._journal.write(EventKind.HEALED, pristine=True, lifted=list(lifted))
                return None
            self._journal.write(EventKind.HEAL_FAILED, left=list(left), reason="still there after healing")
        return LabBroken(f"heal: got {'; '.join(left)}, expected pristine proxies (firedrill heal)") if left else None

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
            ping = self._tools.stack.worker_answers(WORKER_PING_S)
        except FiredrillError:
            ping = False
        self._state.settled, self._state.settle_s = result.settled, round(result.settle_s, 3)
        self._state.healthy = ping and all(canaries.values())
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

    def _promise_unix_s(self) -> float:
        """When the contract promises every accepted order to be final; 0 when nothing was ever accepted."""
        if not self._t0_unix_s:
            return 0.0
        lifted = [
            self._t0_unix_s + float(event.data["lifted_s"])
            for event in read_events(self._folder / "journal.jsonl")
            if event.event is EventKind.FAULT_LIFTED and event.data.get("lifted_s") is not None
        ]
        # Without a fault the promise counts from the end of the load, which is now when the run was cut short.
        ended = min(self._t0_unix_s + self._plan.ends_s, self._tools.lab.clock.now_unix_s())
        return max(lifted, default=ended) + self._scenario.settle_s
