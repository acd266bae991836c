"""From the driver's start to the end of its last operation, with every fault in between."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

import msgspec

from chaos.config import bind_host, hostnames
from chaos.errors import FiredrillError
from chaos.model.folder import HISTORY, File
from chaos.model.journal import EventKind
from chaos.model.loadplan import LoadPlan, Progress
from chaos.run.attended import Attended
from chaos.run.driver import Driver
from chaos.run.faults import Faults
from chaos.run.live import LiveHistory
from chaos.run.ongoing import Ongoing
from chaos.run.request import Aborted
from chaos.run.samplers import HostFile, MetricsFile, Sampled, sampled
from chaos.run.watch import GuardrailWatch, steady_state_findings

TICK_S = 0.05


class UnderLoad(Attended):
    """Load at an arrival rate, played by the driver."""

    def __init__(self, run: Ongoing) -> None:
        super().__init__(run)
        self._faults: Faults | None = None

    def play(self) -> None:
        """Play the whole load. Raises: Aborted, FiredrillError, OSError."""
        run = self._run
        self._begin()
        with ExitStack() as stack:
            # It is not known when workers on other hosts connect, so the schedule gets its time only after that.
            mustered = stack.enter_context(self._driver()) if run.request.elsewhere else None
            if mustered is not None:
                self._muster(mustered)
            start_s = run.request.pace.driver_start_s
            run.t0_unix_s = run.journal.t0_unix_s = round(self._tools.lab.clock.now_unix_s() + start_s, 3)
            live = LiveHistory(run.folder / HISTORY, t0_unix_s=run.t0_unix_s)
            self._take_lease()
            stack.enter_context(self._sampled())
            if mustered is not None:
                mustered.play(self._load_plan())
            driver = mustered or stack.enter_context(self._driver())
            self._wait(-min(0.5, start_s / 2), driver)
            driver.wait_ready(run.request.pace.driver_ready_s)
            self._play_phases(stack, driver, live)

    def _play_phases(self, stack: ExitStack, driver: Driver, live: LiveHistory) -> None:
        run = self._run
        run.journal.write(
            EventKind.LOAD_STARTED,
            t0_unix_s=run.t0_unix_s,
            t0_steady_s=run.t0_steady_s,
            phases=[msgspec.to_builtins(p) for p in run.plan.phases],
        )
        self._faults = stack.enter_context(
            Faults(run.plan.faults, lab=replace(self._tools.lab, client=live), journal=run.journal,
                   t0_unix_s=run.t0_unix_s, ends_s=run.plan.ends_s)
        )  # fmt: skip
        watch = GuardrailWatch(run.scenario.guardrails, live)
        steady = self._steady_state(live)
        for phase in run.plan.phases:
            ends_s = phase.start_s + phase.duration_s
            self._wait(phase.start_s, driver, watch, steady)
            run.journal.write(EventKind.PHASE_STARTED, phase=phase.name, start_s=phase.start_s, end_s=ends_s)
            self._wait(ends_s, driver, watch, steady)
            run.journal.write(EventKind.PHASE_ENDED, phase=phase.name)
        self._faults.join()
        self._drain(driver)
        steady(math.inf)

    def _load_plan(self) -> LoadPlan:
        run = self._run
        return LoadPlan(
            run_id=run.run_id,
            scenario=run.scenario.name,
            variant=run.request.variant,
            seed=run.plan.seed,
            t0_unix_s=run.t0_unix_s,
            t0_steady_s=run.t0_steady_s,
            base_url=self._tools.api_url,
            world_file=str(run.folder / File.WORLD),
            out_dir=str(run.folder),
            phases=list(run.plan.phases),
            workers=run.request.workers,
            elsewhere=run.request.elsewhere,
            double_click_ratio=run.scenario.double_click_ratio,
            access_table=run.scenario.access_table,
            salt=self._tools.salt(run.plan.seed),
            metrics_port=self._tools.driver_metrics_port,
            metrics_host=bind_host(),
            metrics_hostnames=hostnames(),
        )

    def _driver(self) -> Driver:
        return Driver(
            self._tools.driver,
            self._run.folder / File.LOAD_PLAN,
            self._load_plan(),
            on_progress=self._progress,
            keep_open=self._tools.keep_open,
        )

    def _muster(self, driver: Driver) -> None:
        """Wait for load workers on other hosts; the driver decides how long. Raises: Aborted."""
        while not driver.mustered.is_set():
            self._run.stop.check()
            if driver.exit_code is not None:
                raise Aborted(f"the load driver gave up: {driver.complaint()}", by="driver")
            self._tools.lab.clock.sleep(TICK_S)

    @contextmanager
    def _sampled(self) -> Iterator[None]:
        """Write host.jsonl and metrics.jsonl.gz during the block."""
        files: dict[str, Sampled] = {
            "host": HostFile(self._run.folder / File.HOST, api_cpu_s=self._api_cpu_s),
            "metrics": MetricsFile(self._run.folder / File.METRICS, self._tools.metrics),
        }
        with sampled(files, t0_unix_s=self._run.t0_unix_s, now=self._tools.lab.clock.now_unix_s):
            yield

    def _api_cpu_s(self) -> Mapping[int, float]:
        try:
            return self._tools.lab.processes.cpu_s("api")
        except FiredrillError:
            return {}

    def _steady_state(self, live: LiveHistory) -> Callable[[float], None]:
        """Returns a function that judges the first phase once, `steady_grace_s` after its end, and raises Aborted."""
        first = self._run.plan.phases[0]
        ends_s = first.start_s + first.duration_s
        judged = False

        def judge(now_s: float) -> None:
            nonlocal judged
            if judged or now_s < ends_s + self._run.request.pace.steady_grace_s:
                return
            judged = True
            met, findings = steady_state_findings(self._run.scenario.steady_state, live.between(first.start_s, ends_s))
            self._run.journal.write(EventKind.STEADY_STATE, met=met, findings=findings)
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
        """Wait until *until_s* of the load's clock. Raises: Aborted by the user, a guardrail or an ended driver."""
        while (now_s := self._run.now_s) < until_s:
            self._run.stop.check()
            # The driver ends after its last operation, which may be before the end of the last phase.
            done = driver.exit_code == 0 and now_s >= self._run.plan.phases[-1].start_s
            if driver.exit_code is not None and not done:
                raise Aborted(
                    f"the load driver ended with exit code {driver.exit_code}: {driver.complaint()}", by="driver"
                )
            if steady is not None:
                steady(now_s)
            if watch is not None and (tripped := watch.look(now_s)) is not None:
                self._run.journal.write(EventKind.GUARDRAIL, **tripped)
                raise Aborted(f"guardrail {tripped['probe']}: {tripped['reason']}", by="guardrail")
            self._tools.lab.clock.sleep(min(TICK_S, max(0.0, until_s - now_s)))

    def _drain(self, driver: Driver) -> None:
        """Let the operations under way end, then note how the driver ended."""
        give_up_s = self._run.plan.ends_s + self._run.request.pace.driver_end_s
        while driver.exit_code is None and self._run.now_s < give_up_s:
            self._run.stop.check()
            self._tools.lab.clock.sleep(TICK_S)
        code = driver.exit_code
        ended = "finished" if code == 0 else "stopped" if code is None else "crashed"
        self._run.journal.write(EventKind.LOAD_ENDED, ended=ended, exit_code=code)

    def _progress(self, progress: Progress) -> None:
        for note in progress.note.splitlines():
            self._run.note(note)
        if not self._run.t0_unix_s:
            return  # the driver still waits for its workers
        with suppress(OSError, ValueError):  # the driver's pipe has to be read also when the terminal is closed
            self._run.view.progress(progress, self._faults.active if self._faults else ())
