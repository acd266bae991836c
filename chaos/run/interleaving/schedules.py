"""Tries the schedules of a pair: a first run of A alone shows A's stops, then each schedule is forced once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Protocol

from chaos.model.interleaving import Held, Said, Schedule, Step, Stop, Wait
from chaos.ports import Gate

LOOK_EVERY_S = 0.004


class NoScene(Exception):
    """The preparation of a schedule failed; the message says how."""


class Actor(Protocol):
    """A request or a task."""

    role: str

    @property
    def tag(self) -> str:
        """The id that its statements carry; empty while it is not known."""

    def start(self, lane: int = 0) -> None:
        """Start without waiting. A request uses the connection *lane*: 0 for A, 1 for B."""

    def ended(self) -> bool:
        """Whether the request got its answer, or failed, or the task is done."""

    def said(self) -> Said:
        """Its result so far."""


class Scene(Protocol):
    """A pair with its own part of the world: a tier, customers and orders that no other scene uses."""

    a: Actor
    b: Actor

    @property
    def belongings(self) -> dict[str, object]:
        """Fields of `Schedule` with what belongs to the scene."""

    def ready(self) -> None:
        """Wait until the scene is prepared. Raises: NoScene."""

    def close(self) -> None:
        """After both actors: send the last requests, and resume what is paused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Time limits in seconds, and the number of schedules of a pair.

    Attributes:
        hold_s: How long A is held at most when B neither ends nor waits for a lock.
        actor_s: How long an actor may take to end, or to come to its stop.
        pair_s: For all schedules of a pair; the rest is reported as untried.
        at_most: Schedules of a pair.
    """

    hold_s: float = 1.0
    actor_s: float = 10.0
    pair_s: float = 60.0
    at_most: int = 24


@dataclass(slots=True)
class Clock:
    """The run's clock, and a way to wait. *now_s* counts from the start of the run's traffic."""

    now_s: Callable[[], float]
    sleep: Callable[[float], None]

    def until(self, condition: Callable[[], bool], within_s: float) -> bool:
        """Whether *condition* came true in time."""
        end = self.now_s() + within_s
        while not condition():
            if self.now_s() >= end:
                return False
            self.sleep(LOOK_EVERY_S)
        return True


@dataclass(slots=True)
class Pair:
    """One pair of a scenario: makes a scene for each schedule and records what happens.

    Args:
        make: Makes a new scene.
        record: Called with each schedule when it has ended.
        stopped: Whether the user asked the run to end.
        only: The last part of a schedule's id (`w2`, `w2-c1`), to try only that one; empty for all.
    """

    section: str
    roles: tuple[str, str]
    gate: Gate
    clock: Clock
    limits: Limits
    make: Callable[[], Scene]
    record: Callable[[Schedule], None]
    stopped: Callable[[], bool] = lambda: False
    preemptions: int = 1
    only: str = ""
    _steps: list[Step] = field(default_factory=list)

    def run(self) -> int:
        """Try all schedules. Returns how many were not tried: too many, no time left, or the run was stopped."""
        give_up_s = self.clock.now_s() + self.limits.pair_s
        wanted = [each for each in self._wanted() if self.only in {"", _name(*each)}]
        todo = wanted[: self.limits.at_most]
        scenes = [self.make() for _ in todo]  # all prepared together, which is faster than one after the other
        tried = 0
        for (first, second), scene in zip(todo, scenes, strict=True):
            if self.stopped() or self.clock.now_s() >= give_up_s:
                scene.close()
                continue
            self.record(self._tried(scene, first, second))
            tried += 1
        return len(wanted) - tried

    def _tried(self, scene: Scene, first: Stop, second: Stop | None) -> Schedule:
        self._steps = []
        try:
            scene.ready()
        except NoScene as error:
            scene.close()
            return self._schedule(scene, id=_name(first, second), stop=first, second_stop=second, note=str(error))
        return self.force(scene, first, second)

    def _wanted(self) -> Iterator[tuple[Stop, Stop | None]]:
        first = self._learnt("a")
        if self.preemptions == 1:
            yield from ((stop, None) for stop in first)
        else:
            yield from product(first, self._learnt("b"))

    def _learnt(self, who: str) -> Sequence[Stop]:
        self._steps = []
        scene = self.make()
        try:
            scene.ready()
        except NoScene as error:
            scene.close()
            schedule = self._schedule(scene, id=_alone(who), learnt=True, note=str(error))
        else:
            schedule = self.alone(scene, who)
        self.record(schedule)
        return schedule.stops

    def alone(self, scene: Scene, who: str = "a") -> Schedule:
        """Run A (or B) alone, and hold it at every stop only until the stop was seen."""
        actor: Actor = getattr(scene, who)
        name = who.upper()
        self._steps, stops = [], list[Stop]()
        began_s = self.clock.now_s()
        self.gate.hold_everywhere(actor.tag)

        def through() -> bool:
            stop = self.gate.stopped(actor.tag)
            if stop is not None and all(stop.number != seen.number for seen in stops):
                stops.append(stop)
                self._note(name, "stop", f"comes to {_where(stop)}")
                self.gate.let_go(actor.tag, stop.number)
            return stop is None and actor.ended()

        try:
            self._starts(actor, name)
            self.clock.until(through, self.limits.actor_s)
        finally:
            self.gate.let_all_go()
            scene.close()
        self._note(name, "ended", actor.said().answer)
        return self._schedule(
            scene,
            id=_alone(who),
            learnt=True,
            stops=tuple(stops),
            took_s=self.clock.now_s() - began_s,
        )

    def force(self, scene: Scene, first: Stop, second: Stop | None = None) -> Schedule:
        """Hold A at *first* while B goes on, to its end or to *second*."""
        a, b = scene.a, scene.b
        self._steps = []
        began_s = self.clock.now_s()
        held_s, wait, second_held = 0.0, None, None
        try:
            self.gate.hold(a.tag, [first.number])
            self._starts(a, "A")
            at = self._arrives(a, "A")
            if at is None:
                held = Held.NEVER
                self.gate.let_go(a.tag, first.number)
                self._starts(b, "B")
            else:
                arrived_s = self.clock.now_s()
                if second is not None:
                    self.gate.hold(b.tag, [second.number])
                self._starts(b, "B")
                held, wait, stood = self._while_held(a, b, at, second)
                self.gate.let_go(a.tag, first.number)
                held_s = self.clock.now_s() - arrived_s
                self._note("A", "goes_on", f"goes on after {held_s * 1000:.0f} ms")
                if second is not None:
                    second_held = self._second(a, b, stood, second)
            self._end(a, "A")
            self._end(b, "B")
        finally:
            self.gate.let_all_go()
            scene.close()
        return self._schedule(
            scene,
            id=_name(first, second),
            stop=first,
            second_stop=second,
            held=held,
            second_held=second_held,
            hold_s=held_s,
            took_s=self.clock.now_s() - began_s,
            wait=wait,
        )

    def _arrives(self, actor: Actor, name: str) -> Stop | None:
        """Where *actor* is held; None when it ended without coming there."""
        found: list[Stop] = []

        def there() -> bool:
            if (stop := self.gate.stopped(actor.tag)) is not None:
                found.append(stop)
            return bool(found) or actor.ended()

        self.clock.until(there, self.limits.actor_s)
        if not found:
            self._note(name, "missing", f"did not come to its stop: {actor.said().answer}")
            return None
        self._note(name, "held", f"held at {_where(found[0])}")
        return found[0]

    def _while_held(self, a: Actor, b: Actor, at: Stop, second: Stop | None) -> tuple[Held, Wait | None, Stop | None]:
        """Wait until B has ended, waits for a lock of A's, or is held at its own stop. Returns which, and where."""
        end_s = self.clock.now_s() + self.limits.hold_s
        while True:
            if b.ended():
                self._note("B", "ended", b.said().answer)
                return Held.ANSWERED, None, None
            if second is not None and (stood := self.gate.stopped(b.tag)) is not None:
                self._note("B", "held", f"held at {_where(stood)}")
                return Held.ANSWERED, None, stood
            if (wait := self.gate.waiting_for(at.pid, b.tag)) is not None:
                self._note("B", "waits", f"waits for {_lock(wait)}, which A has")
                return Held.BLOCKED, wait, None
            if self.gate.stopped(a.tag) is None:
                self._note("A", "missing", f"ended the hold by itself: {a.said().answer}")
                return Held.CUT, None, None
            if self.clock.now_s() >= end_s:
                self._note("B", "missing", f"neither ended nor waited for a lock in {self.limits.hold_s:g} s")
                return Held.TIMED_OUT, None, None
            self.clock.sleep(LOOK_EVERY_S)

    def _second(self, a: Actor, b: Actor, stood: Stop | None, second: Stop) -> Held:
        """Hold B until A has ended, or waits for a lock of B's."""
        if stood is None:
            self.gate.let_go(b.tag, second.number)
            return Held.NEVER
        end_s = self.clock.now_s() + self.limits.hold_s
        held = Held.TIMED_OUT
        while self.clock.now_s() < end_s:
            if a.ended():
                held = Held.ANSWERED
                break
            if (wait := self.gate.waiting_for(stood.pid, a.tag)) is not None:
                self._note("A", "waits", f"waits for {_lock(wait)}, which B has")
                held = Held.BLOCKED
                break
            if self.gate.stopped(b.tag) is None:
                held = Held.CUT
                break
            self.clock.sleep(LOOK_EVERY_S)
        self.gate.let_go(b.tag, second.number)
        self._note("B", "goes_on", "goes on")
        return held

    def _end(self, actor: Actor, name: str) -> None:
        noted = any(step.who == name and step.kind == "ended" for step in self._steps)
        self.clock.until(actor.ended, self.limits.actor_s)
        if not noted:
            self._note(name, "ended", actor.said().answer)

    def _note(self, who: str, kind: str, what: str) -> None:
        self._steps.append(Step(at=round(self.clock.now_s(), 6), who=who, kind=kind, what=what))

    def _starts(self, actor: Actor, name: str) -> None:
        self._note(name, "starts", f"{actor.role} starts")
        actor.start("AB".index(name))

    def _schedule(self, scene: Scene, *, id: str, **fields: object) -> Schedule:
        return Schedule(
            id=f"{self.section}/{id}",
            section=self.section,
            pair=self.roles,
            steps=tuple(self._steps),
            a=scene.a.said(),
            b=scene.b.said(),
            **{name: round(value, 6) if isinstance(value, float) else value for name, value in fields.items()},  # type: ignore[arg-type]
            **scene.belongings,  # type: ignore[arg-type]
        )


def _alone(who: str) -> str:
    return "alone" if who == "a" else "alone-b"


def _name(first: Stop, second: Stop | None) -> str:
    """The last part of a schedule's id."""
    return first.name if second is None else f"{first.name}-{second.name}"


def _where(stop: Stop) -> str:
    """`its stop 2, before UPDATE shop_tickettier (services.py:55 place_order)`."""
    place = f" ({stop.place})" if stop.place else ""
    if stop.kind == "commit":
        return f"its commit after stop {stop.number // 2 - 1}{place}"
    return f"its stop {stop.number // 2}, before {stop.statement}{place}"


def _lock(wait: Wait) -> str:
    """`a row of shop_tickettier`."""
    if wait.lock in {"transactionid", "tuple"}:
        return f"a row of {wait.table}" if wait.table else "a row"
    return f"a lock ({wait.lock}) of {wait.table}" if wait.table else f"a lock ({wait.lock})"
