"""The open model: hands each arrival at its time to a waiting greenlet, independently of earlier answers."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gevent
from gevent.event import Event
from gevent.hub import Waiter, get_hub

from loadtests.arrivals import Schedule
from loadtests.draws import Draws, Stream
from loadtests.guest import is_guests
from loadtests.history import HistoryLost
from loadtests.journey import Arrival, Journey
from loadtests.recorder import Recorder

MAX_CRASHES = 20


class Desk:
    """One worker's scheduler.

    A *slot* is a greenlet that plays journeys, one at a time; the slots are Locust users. They are started ahead, and
    more are started when all of them are taken by journeys, which may only wait between two polls. The cap counts
    arrivals whose main operation has not ended, and their second clicks and polls under way, but no waiting journeys.

    Args:
        guests: Operation (as a position in *journeys*) → the guest's journey, for *guest_share* of its arrivals.
        cap: Most exchanges in flight; an arrival beyond it is recorded as dropped.
        grow: Starts one more slot.

    Attributes:
        slots: Number of slots that have come to the desk so far.
        crashed: One line for each of the first `MAX_CRASHES` exceptions that a journey did not handle.
        fatal: Why the run can't go on; empty while it can.
        finished: Set when *fatal* is set, or when the whole schedule was released and every journey has ended.
    """

    def __init__(
        self,
        *,
        schedule: Schedule,
        journeys: Sequence[Journey],
        guests: Mapping[int, Journey] | None = None,
        guest_share: float = 0.0,
        seed: int,
        recorder: Recorder,
        now_s: Callable[[], float],
        cap: int,
        grow: Callable[[], None],
    ) -> None:
        self._schedule = schedule
        self._journeys = journeys
        self._guests, self._guest_share = dict(guests or {}), guest_share
        self._seed = seed
        self._recorder = recorder
        self._now_s = now_s
        self._cap = cap
        self._grow = grow
        self._idle: list[Any] = []
        self._backlog: deque[int] = deque()
        self._busy = 0
        self._unsent = 0
        self._released_all = False
        self._run_callback = get_hub().loop.run_callback
        self.slots = 0
        self.crashes = 0
        self.fatal = ""
        self.crashed: list[str] = []
        self.finished = Event()

    @property
    def arrivals_of_all(self) -> int:
        """Arrivals of all workers together."""
        return self._schedule.total

    def idle_slots(self) -> int:
        return len(self._idle)

    def serve(self) -> None:
        """Run a slot: play one arrival after the other, until killed."""
        self.slots += 1
        waiter = Waiter()
        while True:
            if self._backlog:
                number = self._backlog.popleft()
            else:
                self._idle.append(waiter)
                number = waiter.get()
                waiter.clear()
            self._play(number)

    def _play(self, number: int) -> None:
        schedule = self._schedule
        index = schedule.index[number]
        arrival = Arrival(
            index=index,
            intended=schedule.intended_s[number],
            phase=schedule.phases[number],
            draws=Draws(self._seed, index, Stream.JOURNEY),
        )
        self._unsent -= 1  # from here on its exchange counts as in flight
        try:
            self._journey(schedule.ops[number], index).run(arrival)
        except gevent.GreenletExit:
            raise
        except HistoryLost as error:
            self.fail(str(error))
        except Exception as error:
            self._crash(error, index)
        finally:
            self._busy -= 1
            self._check_finished()

    def _journey(self, op: int, index: int) -> Journey:
        """The load's journey of *op*, or the guest's if arrival *index* is drawn for the guest."""
        guests = self._guests.get(op)
        return self._journeys[op] if guests is None or not is_guests(self._seed, index, self._guest_share) else guests

    def _crash(self, error: BaseException, index: int) -> None:
        self.crashes += 1
        if len(self.crashed) < MAX_CRASHES:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            self.crashed.append(f"arrival {index}: {type(error).__name__}: {error} ({frame.filename}:{frame.lineno})")

    def crash_report(self) -> list[str]:
        """The lines of `crashed`, and the number of further exceptions."""
        more = self.crashes - len(self.crashed)
        return [*self.crashed, f"and {more} more"] if more else list(self.crashed)

    def fail(self, why: str) -> None:
        """End the run, for this reason."""
        self.fatal = self.fatal or why
        self.finished.set()

    def run(self) -> None:
        """Release the whole schedule, each arrival at its time. A late one is released at once; its lag is recorded."""
        times = self._schedule.intended_s
        now_s = self._now_s
        for number in range(len(times)):
            intended = times[number]
            while (ahead := intended - now_s()) > 0:
                gevent.sleep(ahead)
            self._release(number)
        self._released_all = True
        self._check_finished()

    def _release(self, number: int) -> None:
        phase, op = self._schedule.phases[number], self._schedule.ops[number]
        self._recorder.scheduled(phase, op)
        if self._recorder.figures.in_flight + self._unsent >= self._cap:
            self._recorder.dropped(phase, op, self._schedule.intended_s[number])
            return
        self._busy += 1
        self._unsent += 1
        if self._idle:
            self._run_callback(self._idle.pop().switch, number)
        else:
            self._backlog.append(number)
            self._grow()

    def _check_finished(self) -> None:
        if self._released_all and self._busy == 0:
            self.finished.set()

    def drop_backlog(self) -> None:
        """When the run is stopped: record arrivals that were released but have no slot yet as dropped."""
        while self._backlog:
            number = self._backlog.popleft()
            self._busy -= 1
            self._unsent -= 1
            self._recorder.dropped(
                self._schedule.phases[number], self._schedule.ops[number], self._schedule.intended_s[number]
            )
