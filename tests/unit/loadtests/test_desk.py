"""The scheduler with real greenlets and journeys written by hand; nothing here waits for the wall clock to be right."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from pathlib import Path

import gevent
import pytest
from gevent.event import Event

from chaos.model.history import HISTORY_VERSION, Outcome, Start
from chaos.model.loadplan import PlanPhase
from loadtests.arrivals import Schedule
from loadtests.desk import MAX_CRASHES, Desk
from loadtests.history import HistoryLost, HistoryWriter
from loadtests.journey import Arrival, Call, Reading
from loadtests.recorder import Recorder
from loadtests.tally import Shape

PATIENCE_S = 30
PHASES = [PlanPhase(name="p", start_s=0, duration_s=1, rate_from_per_s=1, rate_to_per_s=1, mix={"x": 1})]


class Scripted:
    """A journey that records one operation around whatever it is told to do."""

    def __init__(self, recorder: Recorder, action: Callable[[Arrival], None]) -> None:
        self.recorder, self.action, self.played = recorder, action, []

    def run(self, arrival: Arrival) -> None:
        self.played.append(arrival.index)
        call = Call(op="x", method="GET", head=b"", read=lambda s, b: Reading(Outcome.OK), intended=0.0, phase=0)
        operation = self.recorder.begin(call)
        self.recorder.figures.in_flight += 1
        try:
            self.action(arrival)
        finally:
            self.recorder.figures.in_flight -= 1
            self.recorder.end(operation, Reading(Outcome.OK), status=200, ended=1.0)


class Counter:
    def __init__(self, path: Path, action: Callable[[Arrival], None], arrivals: int, cap: int = 100) -> None:
        start = Start(version=HISTORY_VERSION, worker=0, t0_unix_s=0.0, variant="v", seed=1)
        shape = Shape(phases=("p",), ops=("x",), follow_ups=())
        self.recorder = Recorder(
            worker=0, phases=PHASES, shape=shape, writer=HistoryWriter(path / "h", start), now_s=time.monotonic
        )
        self.journey = Scripted(self.recorder, action)
        schedule = Schedule(
            index=array("q", range(arrivals)),
            intended_s=array("d", [0.0] * arrivals),
            phases=array("H", [0] * arrivals),
            ops=array("H", [0] * arrivals),
            op_names=("x",),
            total=arrivals,
        )
        self.desk = Desk(
            schedule=schedule,
            journeys=[self.journey],  # type: ignore[list-item]
            seed=1,
            recorder=self.recorder,
            now_s=time.monotonic,
            cap=cap,
            grow=lambda: gevent.spawn(self.desk.serve),
        )

    def play(self) -> None:
        gevent.spawn(self.desk.run)
        assert self.desk.finished.wait(PATIENCE_S)


def test_every_arrival_is_played_once_however_few_slots_there_are(tmp_path: Path) -> None:
    counter = Counter(tmp_path, lambda arrival: gevent.sleep(0.01), 50)
    gevent.spawn(counter.desk.serve)
    counter.play()
    assert sorted(counter.journey.played) == list(range(50))
    assert counter.desk.slots > 1
    totals = counter.recorder.figures.totals()
    assert (totals.scheduled, totals.ended["ok"], totals.dropped) == (50, 50, 0)


def test_an_exception_in_a_journey_does_not_vanish(tmp_path: Path) -> None:
    def stumble(arrival: Arrival) -> None:
        if arrival.index % 2:
            raise KeyError(f"no tier for {arrival.index}")

    counter = Counter(tmp_path, stumble, 2 * (MAX_CRASHES + 5))
    counter.play()
    report = counter.desk.crash_report()
    assert len(report) == MAX_CRASHES + 1
    assert "arrival 1: KeyError: 'no tier for 1'" in report[0]
    assert report[-1] == "and 5 more"
    assert len(counter.journey.played) == 2 * (MAX_CRASHES + 5)  # the slot lives on


def test_a_lost_history_ends_the_run(tmp_path: Path) -> None:
    def lose(arrival: Arrival) -> None:
        raise HistoryLost("disk full")

    counter = Counter(tmp_path, lose, 3)
    counter.play()
    assert counter.desk.fatal == "disk full"


@pytest.mark.parametrize("cap", [1, 7])
def test_the_cap_drops_and_never_delays(tmp_path: Path, cap: int) -> None:
    release = Event()
    counter = Counter(tmp_path, lambda arrival: release.wait(), 20, cap)
    gevent.spawn(counter.desk.run)
    gevent.sleep(0)
    while counter.recorder.figures.totals().scheduled < 20 or len(counter.journey.played) < cap:
        gevent.sleep(0.001)
    assert counter.recorder.figures.totals().dropped == 20 - cap
    release.set()
    assert counter.desk.finished.wait(PATIENCE_S)
    assert sorted(counter.journey.played) == list(range(cap))


def test_stopping_accounts_for_arrivals_that_found_no_slot(tmp_path: Path) -> None:
    counter = Counter(tmp_path, lambda arrival: None, 5)
    counter.desk._grow = lambda: None  # no slot ever comes
    counter.desk.run()
    assert not counter.desk.finished.is_set()
    counter.desk.drop_backlog()
    totals = counter.recorder.figures.totals()
    assert (totals.scheduled, totals.dropped, totals.sent) == (5, 5, 0)
