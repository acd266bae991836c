"""What every process of the driver needs: exit codes, requests to stop, and progress output."""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from gevent.socket import wait_read

from chaos.model.loadplan import LoadPlan, PlanPhase
from loadtests import metrics, report
from loadtests.client import Clock
from loadtests.progress import ProgressMaker, ProgressPipe, ReaderGone
from loadtests.report import Member
from loadtests.tally import Figures, Shape
from loadtests.worker import WorkerResult, shape_of


class Exit(IntEnum):
    """The driver's exit codes; driver.json tells the engine the rest.

    A worker elsewhere ends with the same codes: 2 when it was refused, 3 when its master did not answer or was lost.
    """

    DONE = 0
    BAD_PLAN = 2
    WORKER_LOST = 3
    BROKEN = 4


def say(sentence: str) -> None:
    """Write *sentence* to stderr, for people."""
    sys.stderr.write(sentence.rstrip() + "\n")
    sys.stderr.flush()


def set_up() -> None:
    """Set up logging and limits of this process, before anything is sent."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="locust: %(message)s")
    logging.getLogger("locust.runners").setLevel(logging.ERROR)  # warns of spawning many users at once: intended here
    _allow_many_connections()


def _allow_many_connections() -> None:
    """Raise the limit of open files to the user's maximum: the usual soft limit of 1024 would prevent connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS has a lower limit of its own
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Stop:
    """Requests to end the run: by signal, by closing stdin, or by `because`.

    Args:
        listens: Whether stdin counts, which the process that started this one holds. False for a worker on another
            host, where the stdin from a person or a service manager means nothing.

    Attributes:
        told: Set when data came on stdin.
    """

    def __init__(self, *, quiet: bool, listens: bool = True) -> None:
        self.event = Event()
        self.told = Event()
        self._quiet = quiet
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            gevent.signal_handler(number, self.because, f"got {number.name}")
        if (
            listens and not sys.stdin.isatty()
        ):  # a closed terminal sends SIGHUP, and reading from a terminal may stop the process
            gevent.spawn(self._watch_stdin)

    def because(self, why: str) -> None:
        """End the run, for this reason. Idempotent."""
        if not self.event.is_set() and not self._quiet:
            say(f"load driver: stopping: {why}")
        self.event.set()

    def _watch_stdin(self) -> None:
        try:
            while True:
                wait_read(0)
                if not os.read(0, 4096):
                    break
                self.told.set()
        except OSError:
            pass
        self.because("standard input was closed")


class Console:
    """Writes progress, and ends the run when its reader is gone."""

    def __init__(
        self, phases: Sequence[PlanPhase], stop: Stop, figures: Callable[[], Figures], now_s: Callable[[], float]
    ) -> None:
        self.maker = ProgressMaker(phases)
        self._pipe = ProgressPipe(1)
        self._stop = stop
        self._figures = figures
        self._now_s = now_s

    def note(self, sentence: str) -> None:
        """Write *sentence* to the log at once, and into the next line of progress."""
        say(f"load driver: {sentence}")
        self.maker.notes.append(sentence)

    def show(self, *, ready: bool = False, mustered: bool = False) -> None:
        """Write a line of progress, unless the run is ending or the write would block."""
        if self._stop.event.is_set() or not self._pipe.has_room():
            return
        try:
            self._pipe.write(self.maker.line(self._now_s(), self._figures(), ready=ready, mustered=mustered))
        except ReaderGone:
            self._stop.event.set()


def serve_metrics(plan: LoadPlan, shape: Shape, figures: Callable[[], Figures]) -> Any:
    """Serve the metrics; None when the plan has no port for them. Raises: OSError with a sentence."""
    if not plan.metrics_port:
        return None
    collector = metrics.LoadCollector(variant=plan.variant, shape=shape, figures=figures, pause=metrics.let_others_run)
    try:
        return metrics.serve(plan.metrics_port, collector, host=plan.metrics_host, hostnames=plan.metrics_hostnames)
    except OSError as error:
        where = f"{plan.metrics_host}:{plan.metrics_port}"
        raise OSError(f"metrics_port: got {error.strerror or error} for {where}, expected a free port") from error


def warn_if_late(clock: Clock) -> None:
    """Warn when the schedule has begun already. The run goes on; the send lag shows the delay."""
    if (late_s := clock.now_s()) > 0:
        say(f"load driver: ready {late_s:.2f} s after the schedule's start; the first arrivals are late")


def finish(
    plan: LoadPlan,
    *,
    results: Sequence[WorkerResult],
    figures_of_lost: Mapping[int, Figures],
    members: Mapping[int, Member],
    lost: Mapping[int, str],
    cpu: float,
    crashed: Sequence[str],
    stopped: bool,
    proven: bool = True,
) -> int:
    """Write the final files. Returns the exit code."""
    account, histograms = report.assemble(
        plan=plan,
        shape=shape_of(plan),
        results=results,
        figures_of_lost=figures_of_lost,
        members=members,
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
