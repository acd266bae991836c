"""The driver's process: Locust's runners used as a library, headless.

Why not Locust's command line: it starts and stops users by rate of *users*, and ends with exit code 0 whatever became
of its workers; the open model needs users that are all there beforehand and a word with each of them. Its runners are
used as they are: `LocalRunner` for one worker; `MasterRunner` here and a `WorkerRunner` in each of N child processes
for more, with figures and results as Locust custom messages.

Life and death: the run ends when this process's stdin closes, on SIGTERM, SIGINT or SIGHUP, and when nobody reads its
stdout any more. Workers watch their own stdin, which this process holds, so they never outlive it.
"""

from __future__ import annotations

import locust  # isort: skip  # patches the standard library for gevent, so it comes before everything else

import logging
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import Any

import gevent
import msgspec
from gevent.event import Event
from gevent.socket import wait_read
from locust.env import Environment

from chaos.model.loadplan import LoadPlan
from loadtests import metrics, report
from loadtests.client import Clock, forbid_hidden_resends
from loadtests.progress import EVERY_S, ProgressMaker, ProgressPipe, ReaderGone
from loadtests.selftest import HiddenResend, prove_single_sends
from loadtests.tally import Figures, Shape
from loadtests.worker import Worker, WorkerResult, _cpu_s, shape_of, shopper, slots_of
from loadtests.world import World

ARMED, FIGURES, RESULT = "firedrill_armed", "firedrill_figures", "firedrill_result"
ARMING_S = 30.0
PARTING_S = 5.0
WATCH_S = 0.1


class Exit(IntEnum):
    """What the driver tells the engine; the engine reads driver.json for the rest."""

    DONE = 0
    BAD_PLAN = 2
    WORKER_LOST = 3
    BROKEN = 4


def say(sentence: str) -> None:
    """To the person who reads stderr."""
    sys.stderr.write(sentence.rstrip() + "\n")
    sys.stderr.flush()


class Stop:
    """Whether somebody wants the run to end."""

    def __init__(self, *, quiet: bool) -> None:
        self.event = Event()
        self._quiet = quiet
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            gevent.signal_handler(number, self._because, f"got {number.name}")
        if not sys.stdin.isatty():  # a terminal says goodbye with SIGHUP, and reading from it may stop the process
            gevent.spawn(self._watch_stdin)

    def _because(self, why: str) -> None:
        if not self.event.is_set() and not self._quiet:
            say(f"load driver: stopping: {why}")
        self.event.set()

    def _watch_stdin(self) -> None:
        try:
            while True:
                wait_read(0)
                if not os.read(0, 4096):
                    break
        except OSError:
            pass
        self._because("standard input was closed")


class Console:
    """Progress out, and the end of the run when nobody listens."""

    def __init__(self, plan: LoadPlan, stop: Stop, figures: Callable[[], Figures], clock: Clock) -> None:
        self.maker = ProgressMaker(plan.phases)
        self._pipe = ProgressPipe(1)
        self._stop = stop
        self._figures = figures
        self._clock = clock

    def show(self, *, ready: bool = False) -> None:
        if self._stop.event.is_set() or not self._pipe.has_room():
            return
        try:
            self._pipe.write(self.maker.line(self._clock.now_s(), self._figures(), ready=ready))
        except ReaderGone:
            self._stop.event.set()


def run(plan: LoadPlan, world: World, plan_path: Path, worker: int | None, master_port: int) -> int:
    """Play *plan*; the exit code. `worker` is this process's number when it is one of several."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="locust: %(message)s")
    logging.getLogger("locust.runners").setLevel(logging.ERROR)  # warns of spawning many users at once: intended here
    stop = Stop(quiet=worker is not None)
    _allow_many_connections()
    forbid_hidden_resends()
    try:
        prove_single_sends()
    except HiddenResend as error:
        say(str(error))
        if worker is None:
            _finish(plan, results=[], lost=[], cpu=0.0, crashed=[str(error)], stopped=False, proven=False)
        return Exit.BROKEN
    if worker is not None:
        return _run_as_worker(plan, world, worker, master_port, stop)
    if plan.workers == 1:
        return _run_alone(plan, world, stop)
    return _Master(plan, plan_path, stop).run()


def _allow_many_connections() -> None:
    """As many open files as this user may have: the usual soft limit of 1024 would refuse connections in our name."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS has a lower limit of its own
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _finish(
    plan: LoadPlan,
    *,
    results: list[WorkerResult],
    lost: list[Figures],
    cpu: float,
    crashed: list[str],
    stopped: bool,
    proven: bool = True,
) -> int:
    """Write the final files; the exit code."""
    account, histograms = report.assemble(
        plan=plan,
        shape=shape_of(plan),
        results=results,
        lost=lost,
        own_cpu_ratio=cpu,
        no_hidden_resend=proven,
        crashed=crashed,
        stopped=stopped,
    )
    report.write(Path(plan.out_dir), account, histograms)
    for line in account.crashed:
        say(f"load driver: {line}")
    if account.ended == "crashed":
        return Exit.BROKEN
    return Exit.WORKER_LOST if account.workers_finished < account.workers_expected else Exit.DONE


def _serve_metrics(plan: LoadPlan, shape: Shape, figures: Callable[[], Figures]) -> Any:
    """None when the plan asks for none. Raises: OSError with a sentence."""
    if not plan.metrics_port:
        return None
    collector = metrics.LoadCollector(variant=plan.variant, shape=shape, figures=figures, pause=metrics.let_others_run)
    try:
        return metrics.serve(plan.metrics_port, collector, host=plan.metrics_host)
    except OSError as error:
        where = f"{plan.metrics_host}:{plan.metrics_port}"
        raise OSError(f"metrics_port: got {error.strerror or error} for {where}, expected a free port") from error


def _warn_if_late(clock: Clock) -> None:
    if (late_s := clock.now_s()) > 0:
        say(f"load driver: ready {late_s:.2f} s after the schedule's start; the first arrivals are late")


def _run_alone(plan: LoadPlan, world: World, stop: Stop) -> int:
    worker = Worker(plan=plan, world=world, number=0)
    worker.runner = worker.environment.create_local_runner()
    console = Console(plan, stop, lambda: worker.recorder.figures, worker.clock)
    try:
        _serve_metrics(plan, shape_of(plan), lambda: worker.recorder.figures)
    except OSError as error:
        ended = worker.finish(stopped=True)
        return _finish(plan, results=[ended], lost=[], cpu=0.0, crashed=[str(error)], stopped=True)
    slots = slots_of(plan)
    worker.runner.start(slots, spawn_rate=slots)
    worker.warm_up(stop.event)
    _warn_if_late(worker.clock)
    console.show(ready=True)
    worker.start()

    def tick() -> None:
        while True:
            gevent.sleep(EVERY_S)
            console.maker.heard(worker.recorder.take_interval_latencies_s())
            console.show()

    ticker = gevent.spawn(tick)
    gevent.wait([worker.desk.finished, stop.event], count=1)
    stopped = stop.event.is_set() and not worker.desk.finished.is_set()
    ticker.kill()
    result = worker.finish(stopped=stopped)
    code = _finish(plan, results=[result], lost=[], cpu=0.0, crashed=[], stopped=stopped)
    console.maker.heard(worker.recorder.take_interval_latencies_s())
    console.show()
    return code


def _run_as_worker(plan: LoadPlan, world: World, number: int, master_port: int, stop: Stop) -> int:
    """One of several: figures to the master twice a second, the result at the end, then wait to be let go."""
    parent = os.getppid()
    worker = Worker(plan=plan, world=world, number=number)
    joining = gevent.spawn(worker.environment.create_worker_runner, "127.0.0.1", master_port)
    gevent.wait([joining, stop.event], count=1)
    if not joining.ready():
        return Exit.DONE  # the master is gone before it knew us
    worker.runner = joining.get()
    worker.warm_up(stop.event)
    worker.runner.send_message(ARMED, {"worker": number})
    worker.start()

    def send_figures() -> None:
        data = {
            "worker": number,
            "figures": msgspec.to_builtins(worker.recorder.figures),
            "latencies_s": worker.recorder.take_interval_latencies_s(),
        }
        worker.runner.send_message(FIGURES, data)

    def tick() -> None:
        while True:
            gevent.sleep(EVERY_S)
            send_figures()

    ticker = gevent.spawn(tick)
    gevent.wait([worker.desk.finished, stop.event], count=1)
    stopped = stop.event.is_set() and not worker.desk.finished.is_set()
    ticker.kill()
    result = worker.finish(stopped=stopped)
    send_figures()
    worker.runner.send_message(RESULT, msgspec.to_builtins(result))
    waited_s = 0.0
    while waited_s < PARTING_S and os.getppid() == parent:  # the master ends us once it has the result
        gevent.sleep(WATCH_S)
        waited_s += WATCH_S
    return Exit.DONE


class _Master:
    """Starts the workers, adds up what they say, and notices when one is gone."""

    def __init__(self, plan: LoadPlan, plan_path: Path, stop: Stop) -> None:
        self._plan = plan
        self._stop = stop
        self._shape = shape_of(plan)
        self._clock = Clock(plan.t0_unix_s)
        self._figures: dict[int, Figures] = {}
        self._results: dict[int, WorkerResult] = {}
        self._armed: set[int] = set()
        self._lost: dict[int, str] = {}
        self._console = Console(plan, stop, self._total, self._clock)
        environment = Environment(user_classes=[shopper(None)], host=plan.base_url)
        self._runner = environment.create_master_runner("127.0.0.1", 0)
        self._runner.register_message(ARMED, self._on_armed)
        self._runner.register_message(FIGURES, self._on_figures)
        self._runner.register_message(RESULT, self._on_result)
        port = str(self._runner.server.port)
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "loadtests", str(plan_path), "--worker", str(number), "--master-port", port],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
            )
            for number in range(plan.workers)
        ]

    def _total(self) -> Figures:
        return self._shape.summed(self._figures.values())

    def _on_armed(self, environment: Any, msg: Any) -> None:
        self._armed.add(msg.data["worker"])

    def _on_figures(self, environment: Any, msg: Any) -> None:
        self._figures[msg.data["worker"]] = msgspec.convert(msg.data["figures"], Figures)
        self._console.maker.heard(msg.data["latencies_s"])

    def _on_result(self, environment: Any, msg: Any) -> None:
        result = msgspec.convert(msg.data, WorkerResult)
        self._results[result.worker] = result

    def _notice_losses(self) -> None:
        for number, process in enumerate(self._processes):
            code = process.poll()
            if code is not None and number not in self._results and number not in self._lost:
                self._lost[number] = f"worker {number} ended with {code} and no result"
                say(f"load driver: {self._lost[number]}; its share of the load is missing from now on")

    def _wait_until(self, true: Callable[[], bool], within_s: float | None = None) -> bool:
        """Whether it came true before somebody wanted to stop, or the time was over."""
        waited_s = 0.0
        while not true():
            if self._stop.event.is_set() or (within_s is not None and waited_s >= within_s):
                return False
            self._stop.event.wait(WATCH_S)
            waited_s += WATCH_S
            self._notice_losses()
        return True

    def run(self) -> int:
        """Play the plan; the exit code."""
        try:
            problems = self._arm()
            if not problems and not self._stop.event.is_set():
                return self._play()
            self._part()
            return self._account(0.0, problems)
        finally:
            for process in self._processes:
                process.kill()  # whoever handed over a result has closed its history before
                process.wait()

    def _arm(self) -> list[str]:
        """Bring all workers to their start; what went wrong."""
        everyone = self._plan.workers
        try:
            _serve_metrics(self._plan, self._shape, self._total)
        except OSError as error:
            return [str(error)]
        connected = self._wait_until(lambda: len(self._runner.clients.ready) == everyone or bool(self._lost), ARMING_S)
        if connected and not self._lost:
            slots = slots_of(self._plan) * everyone
            gevent.spawn(self._runner.start, slots, spawn_rate=slots)
            connected = self._wait_until(lambda: len(self._armed) == everyone or bool(self._lost), ARMING_S)
        if self._stop.event.is_set():
            return []
        if self._lost:
            return list(self._lost.values())
        return [] if connected else [f"got {len(self._armed)} armed workers after {ARMING_S} s, expected {everyone}"]

    def _play(self) -> int:
        _warn_if_late(self._clock)
        self._console.show(ready=True)
        self._stop.event.wait(max(-self._clock.now_s(), 0))
        cpu_s, began_s = _cpu_s(), self._clock.now_s()

        def tick() -> None:
            while True:
                gevent.sleep(EVERY_S)
                self._console.show()

        ticker = gevent.spawn(tick)
        self._wait_until(lambda: len(self._results) + len(self._lost) == self._plan.workers)
        passed_s = self._clock.now_s() - began_s
        own_cpu_ratio = (_cpu_s() - cpu_s) / passed_s if passed_s > 0.5 else 0.0
        self._part()
        ticker.kill()
        code = self._account(round(own_cpu_ratio, 4), [])
        self._console.show()
        return code

    def _part(self) -> None:
        """Let the workers go: those that still run write their files and hand over what they have."""
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.close()
        waited_s = 0.0
        while len(self._results) + len(self._lost) < self._plan.workers and waited_s < PARTING_S:
            gevent.sleep(WATCH_S)
            waited_s += WATCH_S
            self._notice_losses()

    def _account(self, cpu: float, problems: list[str]) -> int:
        lost = [self._figures[number] for number in self._figures if number not in self._results]
        return _finish(
            self._plan,
            results=list(self._results.values()),
            lost=lost,
            cpu=cpu,
            crashed=problems,
            stopped=any(result.ended == "stopped" for result in self._results.values())
            or (not self._results and self._stop.event.is_set()),
        )


VERSION = locust.__version__
