"""The driver's process: Locust's runners used as a library, headless.

Why not Locust's command line: it starts and stops users at a rate of *users*, and ends with exit code 0 even when its
workers failed; the open model needs all users started beforehand, and messages to each worker. Its runners are used
unchanged: `LocalRunner` for one worker; for more, `MasterRunner` here and a `WorkerRunner` in each of N child
processes or on other hosts, with figures and results as Locust custom messages.

When it ends: the run ends when this process's stdin closes, on SIGTERM, SIGINT or SIGHUP, and when the reader of its
stdout is gone. Workers here watch their own stdin, which this process holds; workers elsewhere end when this process
stops answering. So they never outlive it.
"""

from __future__ import annotations

import locust  # isort: skip  # patches the standard library for gevent, so it comes before everything else

import os
from pathlib import Path

import gevent
import msgspec

from chaos.model.loadplan import LoadPlan
from loadtests.elsewhere import WorkerElsewhere
from loadtests.master import Master
from loadtests.process import Console, Exit, Stop, finish, say, serve_metrics, set_up, warn_if_late
from loadtests.progress import EVERY_S
from loadtests.protocol import ARMED, FIGURES, RESULT
from loadtests.selftest import HiddenResend, prove_single_sends
from loadtests.wire import forbid_hidden_resends
from loadtests.worker import Worker, shape_of, slots_of
from loadtests.world import World

PARTING_S = 5.0
WATCH_S = 0.1


def run(plan: LoadPlan, world: World, plan_path: Path, worker: int | None, master_port: int) -> int:
    """Play *plan*. Returns the exit code. `worker` is this process's number when it is one of several."""
    set_up()
    stop = Stop(quiet=worker is not None)
    forbid_hidden_resends()
    try:
        prove_single_sends()
    except HiddenResend as error:
        say(str(error))
        if worker is None:
            _broken(plan, str(error), proven=False)
        return Exit.BROKEN
    if worker is not None:
        return _run_as_worker(plan, world, worker, master_port, stop)
    if plan.workers == 1 and plan.elsewhere is None:
        return _run_alone(plan, world, stop)
    try:
        master = Master(plan, world, plan_path, stop)
    except ValueError as error:  # no key, or an address on which it can't listen
        return _broken(plan, str(error))
    return master.run()


def join(master: tuple[str, int], *, key: str, api: str, patience_s: float) -> int:
    """Be a worker for a master on another host. Returns the exit code."""
    set_up()
    stop = Stop(quiet=False, listens=False)
    forbid_hidden_resends()
    try:
        prove_single_sends()
    except HiddenResend as error:
        say(str(error))
        return Exit.BROKEN
    return WorkerElsewhere(master, key=key, api=api, patience_s=patience_s, stop=stop).run()


def _broken(plan: LoadPlan, why: str, *, proven: bool = True) -> int:
    """Write the report of a run that could not start, so that nothing was sent. Returns the exit code."""
    return finish(
        plan,
        results=[],
        figures_of_lost={},
        members={},
        lost={},
        cpu=0.0,
        crashed=[why],
        stopped=False,
        proven=proven,
    )


def _run_alone(plan: LoadPlan, world: World, stop: Stop) -> int:
    worker = Worker(plan=plan, world=world, number=0)
    worker.runner = worker.environment.create_local_runner()
    console = Console(plan.phases, stop, lambda: worker.recorder.figures, worker.clock.now_s)
    try:
        serve_metrics(plan, shape_of(plan), lambda: worker.recorder.figures)
    except OSError as error:
        worker.finish(stopped=True)
        return _broken(plan, str(error))
    slots = slots_of(plan)
    worker.runner.start(slots, spawn_rate=slots)
    worker.warm_up(stop.event)
    warn_if_late(worker.clock)
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
    code = finish(plan, results=[result], figures_of_lost={}, members={}, lost={}, cpu=0.0, crashed=[], stopped=stopped)
    console.maker.heard(worker.recorder.take_interval_latencies_s())
    console.show()
    return code


def _run_as_worker(plan: LoadPlan, world: World, number: int, master_port: int, stop: Stop) -> int:
    """Be one of several workers: send figures twice a second and the result at the end, then wait to be ended."""
    parent = os.getppid()
    worker = Worker(plan=plan, world=world, number=number)
    joining = gevent.spawn(worker.environment.create_worker_runner, "127.0.0.1", master_port)
    gevent.wait([joining, stop.event], count=1)
    if not joining.ready():
        return Exit.DONE  # the master ended before this worker had connected
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
    while waited_s < PARTING_S and os.getppid() == parent:  # the master ends this process once it has the result
        gevent.sleep(WATCH_S)
        waited_s += WATCH_S
    return Exit.DONE


VERSION = locust.__version__
