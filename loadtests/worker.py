"""One worker's run: puts schedule, slots, client and record together. It is the only worker or one of several."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
import msgspec
from gevent.event import Event
from gevent.pool import Group
from locust import FastHttpUser, constant, task
from locust.env import Environment

from chaos.model import dress
from chaos.model.folder import HISTORY, SAMPLES_BY_WORKER, of_worker
from chaos.model.history import HISTORY_VERSION, Start
from chaos.model.loadplan import LoadPlan, StoodStill
from loadtests import guest, histogram
from loadtests.arrivals import shard
from loadtests.client import Client, Clock
from loadtests.desk import Desk
from loadtests.guest import GuestTransport
from loadtests.history import HistoryLost, HistoryWriter
from loadtests.journeys import discover
from loadtests.recorder import Recorder
from loadtests.samples import Samples
from loadtests.tally import Figures, Shape
from loadtests.wire import SendsOnce, Transport, WarmPool, locust_pool
from loadtests.world import World

MOST_PREWARMED_SLOTS = 1000
WARM_FOR_S = 0.1
"""Connections are opened ahead for this much of the highest rate: enough for answers that take 0.1 s."""
LEAST_CONNECTIONS = 64
"""Enough to spread over the API's two processes: one of them gets less than a third of these once in 120 runs."""
WARMING_S = 2.0
FLUSH_S = 0.1
LOOK_S = 0.5
STILL_S = 2.0
"""A longer gap with little CPU time means a stopped process: an overloaded driver is late by less, and busy."""


class WorkerResult(msgspec.Struct, kw_only=True):
    """What a worker sends at its end."""

    worker: int
    figures: Figures
    histograms: list[tuple[histogram.Key, str]]
    cpu_ratio: float
    stood_still: list[StoodStill]
    crashed: list[str]
    fatal: str
    ended: str


def shape_of(plan: LoadPlan) -> Shape:
    """The label sets of *plan*."""
    journeys = discover()
    ops = sorted({op for phase in plan.phases for op in phase.mix})
    return Shape(
        phases=tuple(phase.name for phase in plan.phases),
        ops=tuple(ops),
        follow_ups=tuple(sorted({name for op in ops for name in journeys[op].follow_ups})),
    )


def slots_of(plan: LoadPlan) -> int:
    """Number of slots that one worker starts ahead."""
    return min(ceil(plan.max_in_flight / plan.workers), MOST_PREWARMED_SLOTS)


def shopper(worker: Worker | None) -> type[FastHttpUser]:
    """The Locust user that serves at *worker*'s desk; None for a master, which needs only the class's name."""

    class Shopper(FastHttpUser):
        """A slot of the open model. It does not decide when to buy; it plays arrivals that it gets from the desk."""

        wait_time = constant(0)
        max_retries = 0
        client_pool = worker.locust_pool if worker else None

        @task
        def serve(self) -> None:
            assert worker is not None
            worker.desk.serve()

    return Shopper


class Worker:
    """Worker number *number* of *plan*."""

    def __init__(self, *, plan: LoadPlan, world: World, number: int) -> None:
        self.plan = plan
        self.number = number
        self.clock = Clock(plan.t0_unix_s, plan.t0_steady_s)
        self._writer = HistoryWriter(
            Path(plan.out_dir) / HISTORY / of_worker(number),
            Start(
                version=HISTORY_VERSION,
                worker=number,
                t0_unix_s=plan.t0_unix_s,
                variant=plan.variant,
                seed=plan.seed,
                salt=plan.salt,
            ),
        )
        shape = shape_of(plan)
        self.recorder = Recorder(
            worker=number, phases=plan.phases, shape=shape, writer=self._writer, now_s=self.clock.now_s
        )
        url = urlsplit(plan.base_url)
        self._pool = WarmPool(url.hostname or "", url.port or 80, timeout_s=plan.timeout_s, least=LEAST_CONNECTIONS)
        self.locust_pool = locust_pool(self._pool, plan.base_url)
        self.end_s = max(phase.start_s + phase.duration_s for phase in plan.phases)
        self._samples = Samples(Path(plan.out_dir) / SAMPLES_BY_WORKER / of_worker(number))
        looks, guests_look = dress.wardrobe(plan.seed, url.netloc)
        self._guest_transport = GuestTransport(url.hostname or "", url.port or 80)
        self._client = self._client_of(Transport(self._pool), looks)
        self._guest = self._client_of(self._guest_transport, [guests_look], profile="guest")
        journeys, guests_world = discover(), guest.world_of(world)
        guests = {
            number: journeys[op](plan=plan, world=guests_world, http=self._guest)
            for number, op in enumerate(shape.ops)
            if op in guest.OPS and guests_world is not None
        }
        self.desk = Desk(
            schedule=shard(plan.phases, seed=plan.seed, kind=plan.arrivals, worker=number, workers=plan.workers),
            journeys=[journeys[op](plan=plan, world=world, http=self._client) for op in shape.ops],
            guests=guests,
            guest_share=guest.share(plan),
            seed=plan.seed,
            recorder=self.recorder,
            now_s=self.clock.now_s,
            cap=ceil(plan.max_in_flight / plan.workers),
            grow=self._grow,
        )
        self.environment = Environment(user_classes=[shopper(self)], host=plan.base_url)
        self.runner: Any = None
        self._extra_slots = Group()
        self._scheduler: gevent.Greenlet | None = None
        self._flusher: gevent.Greenlet | None = None
        self._watcher: gevent.Greenlet | None = None
        self._stood_still: list[StoodStill] = []
        self._cpu: tuple[float, float] | None = None
        self._cpu_ratio = 0.0

    def _client_of(self, transport: SendsOnce, looks: Sequence[dress.Dress], *, profile: str = "") -> Client:
        plan = self.plan
        return Client(
            base_url=plan.base_url,
            transport=transport,
            dresses=looks,
            salt=plan.salt,
            profile=profile,
            recorder=self.recorder,
            samples=self._samples,
            timeout_s=plan.timeout_s,
            now_s=self.clock.now_s,
            deadline_s=self.end_s + plan.timeout_s + plan.poll_budget * plan.poll_every_s,
        )

    def _grow(self) -> None:
        """Start one more slot. It is no Locust user, since Locust's master would count it as surplus."""
        self._extra_slots.spawn(self.desk.serve)

    def warm_up(self, stopped: Event) -> None:
        """Wait until every slot that the runner starts is at the desk, and open connections."""
        wanted = slots_of(self.plan)
        while self.desk.idle_slots() < wanted and not stopped.is_set():
            gevent.sleep(0.01)
        peak = max(max(phase.rate_from_per_s, phase.rate_to_per_s) for phase in self.plan.phases) / self.plan.workers
        self._pool.warm(max(ceil(peak * WARM_FOR_S), LEAST_CONNECTIONS), within_s=WARMING_S)
        gc.collect()
        gc.freeze()  # a full garbage collection of the objects that exist now would delay arrivals during the run

    def start(self) -> None:
        """Begin to release arrivals, from the plan's second 0 on."""
        self._scheduler = gevent.spawn(self._schedule)
        self._flusher = gevent.spawn(self._flush_often)
        self._watcher = gevent.spawn(self._notice_stops)

    def _notice_stops(self) -> None:
        """Notice when this process was stopped (SIGSTOP, debugger, paused virtual machine): time passed without CPU."""
        at_s, spent_s = self.clock.now_s(), cpu_s()
        while True:
            gevent.sleep(LOOK_S)
            now_s, now_spent_s = self.clock.now_s(), cpu_s()
            for_s = now_s - at_s
            if for_s > STILL_S and now_spent_s - spent_s < for_s / 2:
                self._stood_still.append(StoodStill(until_s=round(now_s, 3), for_s=round(for_s, 3)))
            at_s, spent_s = now_s, now_spent_s

    def _flush_often(self) -> None:
        """Flush endings every FLUSH_S, since the engine reads the history during the run."""
        while not self.desk.fatal:
            gevent.sleep(FLUSH_S)
            self._flush()

    def _schedule(self) -> None:
        try:
            gevent.sleep(max(-self.clock.now_s(), 0))
            self._cpu = (cpu_s(), self.clock.now_s())
            self.desk.run()
            gevent.sleep(max(self.end_s - self.clock.now_s(), 0))
            self._take_cpu()
        except Exception as error:
            self.desk.fail(f"the scheduler ended with {type(error).__name__}: {error}")

    def _take_cpu(self) -> None:
        if self._cpu is not None:
            spent_s, passed_s = cpu_s() - self._cpu[0], self.clock.now_s() - self._cpu[1]
            self._cpu_ratio = spent_s / passed_s if passed_s > 0 else 0.0
            self._cpu = None

    def _flush(self) -> None:
        try:
            self._writer.flush()
        except HistoryLost as error:
            self.desk.fail(str(error))

    def finish(self, *, stopped: bool) -> WorkerResult:
        """End all greenlets, complete the history, return the result."""
        if self._scheduler is not None:
            if not stopped and not self.desk.fatal:
                self._scheduler.join()
            self._scheduler.kill()
        for helper in (self._flusher, self._watcher):
            if helper is not None:
                helper.kill()
        self._take_cpu()
        gevent.sleep(0)  # lets arrivals that were given to a slot begin
        self.desk.drop_backlog()
        self._client.stop()
        self._guest.stop()
        self._extra_slots.kill()
        if self.runner is not None:
            self.runner.stop()
        self._pool.close()
        self._guest_transport.close()
        self._samples.close()
        try:
            self._writer.close()
        except HistoryLost as error:
            self.desk.fail(str(error))
        return WorkerResult(
            worker=self.number,
            figures=self.recorder.figures,
            histograms=histogram.encoded(self.recorder.durations),
            cpu_ratio=round(self._cpu_ratio, 4),
            stood_still=self._stood_still,
            crashed=[*self.desk.crash_report(), *self._unaccounted()],
            fatal=self.desk.fatal,
            ended="crashed" if self.desk.fatal else "stopped" if stopped else "finished",
        )

    def _unaccounted(self) -> list[str]:
        """Complain if an arrival did not complete: otherwise an exception in a greenlet could stay unnoticed."""
        totals = self.recorder.figures.totals()
        completed = totals.total_ended + totals.dropped
        if totals.scheduled == completed:
            return []
        return [f"worker {self.number}: got {completed} completed arrivals, expected all {totals.scheduled} scheduled"]


def cpu_s() -> float:
    times = os.times()
    return times.user + times.system
