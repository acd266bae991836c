"""The master of several workers: prepares their start, adds up their figures, and notices lost workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gevent
from locust.env import Environment
from locust.exception import RPCError
from zmq import ZMQError

from chaos.model.loadplan import LoadPlan
from loadtests import plan as plans
from loadtests.client import Clock
from loadtests.crew import Crew, Runner
from loadtests.crew_elsewhere import CrewElsewhere
from loadtests.crew_here import CrewHere
from loadtests.journeys import discover
from loadtests.process import Console, Stop, finish, serve_metrics, warn_if_late
from loadtests.progress import EVERY_S
from loadtests.protocol import address
from loadtests.tally import Figures
from loadtests.worker import WorkerResult, cpu_s, shape_of, shopper, slots_of
from loadtests.world import World

ARMING_S = 30.0
PARTING_S = 5.0
WATCH_S = 0.1


class Master:
    """The master of all workers of *plan*. Raises: ValueError without a key, or if it can't listen on its address."""

    def __init__(self, plan: LoadPlan, world: World, plan_path: Path, stop: Stop) -> None:
        self._plan = plan
        self._plan_path = plan_path
        self._stop = stop
        self._shape = shape_of(plan)
        self._clock = Clock(plan.t0_unix_s, plan.t0_steady_s)
        self._figures: dict[int, Figures] = {}
        self._results: dict[int, WorkerResult] = {}
        self._armed: set[int] = set()
        self._arrivals: set[int] = set()
        self._lost: dict[int, str] = {}
        self._console = Console(plan.phases, stop, self._total, lambda: self.now_s() if self.scheduled() else -1.0)
        self._runner = _listen(plan)
        self._crew: Crew = (
            CrewHere(self._runner, self, plan_path)
            if plan.elsewhere is None
            else CrewElsewhere(self._runner, self, plan, world)
        )

    # --- messages of the crew; see `loadtests.crew.Ears`

    def armed(self, worker: int, arrivals: int | None) -> None:
        self._armed.add(worker)
        if arrivals is not None:
            self._arrivals.add(arrivals)

    def figures(self, worker: int, figures: Figures, latencies_s: list[float]) -> None:
        self._figures[worker] = figures
        self._console.maker.heard(latencies_s)

    def result(self, result: WorkerResult) -> None:
        self._results[result.worker] = result

    def note(self, sentence: str) -> None:
        self._console.note(sentence)

    def now_s(self) -> float:
        return self._clock.now_s()

    def scheduled(self) -> bool:
        return self._plan.t0_unix_s > 0

    # --- the run

    def _total(self) -> Figures:
        return self._shape.summed(self._figures.values())

    def _notice_losses(self) -> None:
        for number, how in self._crew.losses().items():
            self._lost[number] = how
            self.note(f"{how}; its share of the load is missing from now on")

    def _wait_until(self, true: Callable[[], bool], within_s: float | None = None) -> bool:
        """Whether *true* came true before a stop was asked for or *within_s* was over."""
        waited_s = 0.0
        while not true():
            if self._stop.event.is_set() or (within_s is not None and waited_s >= within_s):
                return False
            self._stop.event.wait(WATCH_S)
            waited_s += WATCH_S
            self._notice_losses()
        return True

    def run(self) -> int:
        """Play the plan. Returns the exit code."""
        try:
            problems = self._muster() or self._arm()
            if not problems and not self._stop.event.is_set():
                return self._play()
            self._part()
            return self._account(0.0, problems)
        finally:
            self._crew.close()

    def _muster(self) -> list[str]:
        """Wait until all workers have joined and the plan is final. Returns problems."""
        if self._plan.elsewhere is None:
            return []
        ticker = gevent.spawn(self._tick)
        try:
            problems = self._crew.muster(self._wait_until)
        finally:
            ticker.kill()
        if problems or self._stop.event.is_set():
            return problems
        self._console.show(mustered=True)
        if self.scheduled() or not self._wait_until(self._stop.told.is_set):
            return []
        try:
            self._plan = plans.read(self._plan_path, discover())
        except plans.BadPlan as error:
            return error.problems
        if not self.scheduled():
            return [f"{self._plan_path}: t0_unix_s: got 0, expected a time in the final plan"]
        self._clock = Clock(self._plan.t0_unix_s, self._plan.t0_steady_s)
        return []

    def _arm(self) -> list[str]:
        """Wait until all workers are ready to start. Returns problems."""
        everyone = self._plan.workers
        if self._stop.event.is_set():
            return []
        try:
            serve_metrics(self._plan, self._shape, self._total)
        except OSError as error:
            return [str(error)]
        self._crew.brief(self._plan)
        connected = self._wait_until(lambda: len(self._runner.clients.ready) == everyone or bool(self._lost), ARMING_S)
        if connected and not self._lost:
            slots = slots_of(self._plan) * everyone
            gevent.spawn(self._runner.start, slots, spawn_rate=slots)
            connected = self._wait_until(lambda: len(self._armed) == everyone or bool(self._lost), ARMING_S)
        if self._stop.event.is_set():
            return []
        if self._lost:
            return list(self._lost.values())
        if not connected:
            return [f"got {len(self._armed)} armed workers after {ARMING_S} s, expected {everyone}"]
        if len(self._arrivals) > 1:
            return [f"schedule: got {sorted(self._arrivals)} arrivals from different workers, expected one number"]
        return []

    def _tick(self) -> None:
        while True:
            gevent.sleep(EVERY_S)
            self._console.show()

    def _play(self) -> int:
        warn_if_late(self._clock)
        self._console.show(ready=True)
        self._wait_until(lambda: self._clock.now_s() >= 0)
        spent_s, began_s = cpu_s(), self._clock.now_s()
        ticker = gevent.spawn(self._tick)
        self._wait_until(lambda: len(self._results) + len(self._lost) == self._plan.workers)
        passed_s = self._clock.now_s() - began_s
        own_cpu_ratio = (cpu_s() - spent_s) / passed_s if passed_s > 0.5 else 0.0
        self._part()
        ticker.kill()
        code = self._account(round(own_cpu_ratio, 4), [])
        self._console.show()
        return code

    def _part(self) -> None:
        if not self._crew.part():
            return
        waited_s = 0.0
        while len(self._results) + len(self._lost) < self._plan.workers and waited_s < PARTING_S:
            gevent.sleep(WATCH_S)
            waited_s += WATCH_S
            self._notice_losses()

    def _account(self, cpu: float, problems: list[str]) -> int:
        self._crew.close()  # before driver.json is written, which means that all other files are complete
        return finish(
            self._plan,
            results=list(self._results.values()),
            figures_of_lost={n: figures for n, figures in self._figures.items() if n not in self._results},
            members=self._crew.members,
            lost=self._lost,
            cpu=cpu,
            crashed=problems,
            stopped=any(result.ended == "stopped" for result in self._results.values())
            or (not self._results and self._stop.event.is_set()),
        )


def _listen(plan: LoadPlan) -> Runner:
    """Make Locust's master. Raises: ValueError."""
    host, port = address(plan.elsewhere.listen) if plan.elsewhere else ("127.0.0.1", 0)
    environment = Environment(user_classes=[shopper(None)], host=plan.base_url)
    try:
        return environment.create_master_runner(host, port)
    except (RPCError, ZMQError, SystemExit) as error:  # Locust raises SystemExit when the port is taken
        why = str(error) if isinstance(error, Exception) else "a busy port"
        raise ValueError(f"workers elsewhere: got {why}, expected to listen on {host}:{port}") from None
