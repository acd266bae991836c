"""The schedules of a pair, with a gate and actors of the test's own: what is recorded of each way it can go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from chaos.model.history import Outcome
from chaos.model.interleaving import Held, Said, Schedule, Stop, Wait
from chaos.run.interleaving.client import Ask, read
from chaos.run.interleaving.schedules import Clock, Limits, NoScene, Pair
from tests.unit.chaos.fakes import FakeClock

STOPS = (
    Stop(number=2, kind="write", statement="INSERT INTO shop_order", place="services.py:1 buy", pid=7),
    Stop(number=5, kind="commit", statement="COMMIT", pid=7),
)


@dataclass
class FakeActor:
    """Comes to *stops* one after the other; ends when it was let go at all of them."""

    role: str
    tag: str
    gate: FakeGate
    stops: tuple[Stop, ...] = STOPS
    answer: str = "202 pending"
    never_ends: bool = False
    started: bool = False

    def start(self, lane: int = 0) -> None:
        self.started = True

    def at(self) -> Stop | None:
        """Where it is held now."""
        return next((s for s in self.stops if (self.tag, s.number) in self.gate.locks), None) if self.started else None

    def ended(self) -> bool:
        return self.started and self.at() is None and not self.never_ends and not self.gate.blocks(self)

    def said(self) -> Said:
        return Said(role=self.role, actor=self.tag, answer=self.answer if self.ended() else "no answer yet")


@dataclass
class FakeGate:
    """Holds by *locks*; *blocked* waits for A while A is held, *cuts* ends its holds after so many looks."""

    locks: set[tuple[str, int]] = field(default_factory=set)
    actors: dict[str, FakeActor] = field(default_factory=dict)
    blocked: str = ""
    cuts: bool = False
    looks: int = 0

    def hold(self, actor: str, numbers: Any) -> None:
        self.locks |= {(actor, number) for number in numbers}

    def hold_everywhere(self, actor: str) -> None:
        self.hold(actor, range(2, 20))

    def let_go(self, actor: str, number: int) -> None:
        self.locks.discard((actor, number))

    def let_all_go(self) -> None:
        self.locks.clear()

    def stopped(self, actor: str) -> Stop | None:
        self.looks += 1
        if self.cuts and self.looks > 2:
            self.locks.clear()
        return self.actors[actor].at()

    def blocks(self, actor: FakeActor) -> bool:
        return actor.tag == self.blocked and self.actors["a"].at() is not None

    def waiting_for(self, pid: int, actor: str = "") -> Wait | None:
        waits = actor == self.blocked and self.actors[actor].started
        return Wait(pid=9, lock="transactionid", table="shop_tickettier") if waits else None


@dataclass
class FakeScene:
    a: FakeActor
    b: FakeActor
    trouble: str = ""
    closed: bool = False

    @property
    def belongings(self) -> dict[str, object]:
        return {"tier": 4, "orders": ("o1",)}

    def ready(self) -> None:
        if self.trouble:
            raise NoScene(self.trouble)

    def close(self) -> None:
        self.closed = True


@dataclass
class Bench:
    gate: FakeGate = field(default_factory=FakeGate)
    clock: FakeClock = field(default_factory=FakeClock)
    recorded: list[Schedule] = field(default_factory=list)
    scenes: list[FakeScene] = field(default_factory=list)
    stopped: Callable[[], bool] = lambda: False

    def pair(self, *, a: dict[str, Any] | None = None, b: dict[str, Any] | None = None, **more: Any) -> Pair:
        def make() -> FakeScene:
            actors = {
                "a": FakeActor("buy", "a", self.gate, **(a or {})),
                "b": FakeActor("cancel", "b", self.gate, **(b or {})),
            }
            # The scene in play is the last one that was made ready; all share the two names.
            scene = FakeScene(actors["a"], actors["b"], trouble=more_scene.get("trouble", ""))
            ready = scene.ready

            def is_ready() -> None:
                self.gate.actors = actors
                ready()

            scene.ready = is_ready  # type: ignore[method-assign]
            self.scenes.append(scene)
            return scene

        more_scene = {"trouble": more.pop("trouble", "")}
        return Pair(
            section="s", roles=("buy", "cancel"), gate=self.gate,  # type: ignore[arg-type]
            clock=Clock(self.clock.now_unix_s, self.clock.sleep), limits=more.pop("limits", Limits()),
            make=make, record=self.recorded.append, stopped=self.stopped, **more,
        )  # fmt: skip

    def tried(self) -> list[Schedule]:
        return [each for each in self.recorded if not each.learnt]


def test_every_stop_of_a_first_run_is_forced_once() -> None:
    bench = Bench()
    assert bench.pair().run() == 0
    first, *tried = bench.recorded
    assert first.learnt
    assert first.stops == STOPS
    assert [each.id for each in tried] == ["s/w1", "s/c2"]
    assert all(each.held is Held.ANSWERED and each.was_held for each in tried)
    assert tried[0].tier == 4
    assert all(scene.closed for scene in bench.scenes)
    assert bench.gate.locks == set()


def test_the_steps_tell_who_stood_where() -> None:
    bench = Bench()
    bench.pair().run()
    told = [(step.who, step.kind) for step in bench.tried()[0].steps]
    assert told == [
        ("A", "starts"), ("A", "held"), ("B", "starts"), ("B", "ended"), ("A", "goes_on"), ("A", "ended"),
    ]  # fmt: skip
    assert "before INSERT INTO shop_order (services.py:1 buy)" in bench.tried()[0].steps[1].what


def test_b_that_waits_for_a_lets_a_go_on() -> None:
    bench = Bench(gate=FakeGate(blocked="b"))
    bench.pair().run()
    for each in bench.tried():
        assert each.held is Held.BLOCKED
        assert each.wait is not None
        assert each.b.answer == "202 pending"
    assert any("a row of shop_tickettier, which A has" in step.what for step in bench.tried()[0].steps)


def test_a_stop_that_never_comes_is_said() -> None:
    bench = Bench()
    pair = bench.pair()
    scene = pair.make()
    scene.ready()
    schedule = pair.force(scene, Stop(number=8, kind="write", statement="UPDATE x"))
    assert schedule.held is Held.NEVER
    assert not schedule.was_held
    assert any("did not come to its stop" in step.what for step in schedule.steps)
    assert schedule.b.answer == "202 pending"  # B ran all the same


def test_a_hold_that_ends_by_itself_is_no_hold() -> None:
    bench = Bench()
    pair = bench.pair(b={"never_ends": True}, limits=Limits(actor_s=0.5))
    scene = pair.make()
    scene.ready()
    bench.gate.cuts = True
    schedule = pair.force(scene, STOPS[0])
    assert schedule.held is Held.CUT
    assert not schedule.was_held


def test_b_that_does_neither_is_waited_for_no_longer_than_a_hold_may_last() -> None:
    bench = Bench()
    pair = bench.pair(b={"never_ends": True}, limits=Limits(hold_s=0.2, actor_s=0.5))
    scene = pair.make()
    scene.ready()
    schedule = pair.force(scene, STOPS[0])
    assert schedule.held is Held.TIMED_OUT
    assert 0.2 <= schedule.hold_s < 0.3


def test_more_schedules_than_there_may_be_are_counted() -> None:
    bench = Bench()
    assert bench.pair(limits=Limits(at_most=1)).run() == 1
    assert [each.id for each in bench.tried()] == ["s/w1"]


def test_only_one() -> None:
    bench = Bench()
    assert bench.pair(only="c2").run() == 0
    assert [each.id for each in bench.tried()] == ["s/c2"]


def test_two_preemptions_are_every_pair_of_stops() -> None:
    bench = Bench()
    bench.pair(preemptions=2).run()
    assert [each.id for each in bench.tried()] == ["s/w1-w1", "s/w1-c2", "s/c2-w1", "s/c2-c2"]
    first = bench.tried()[0]
    assert first.second_held is Held.ANSWERED
    assert [(step.who, step.kind) for step in first.steps][1:5] == [
        ("A", "held"), ("B", "starts"), ("B", "held"), ("A", "goes_on"),
    ]  # fmt: skip


def test_a_scene_that_can_not_begin_is_said_and_the_others_go_on() -> None:
    bench = Bench()
    bench.pair(trouble="got 403 for the order that it begins with, expected 202").run()
    (first,) = bench.recorded
    assert first.note == "got 403 for the order that it begins with, expected 202"
    assert first.stops == ()
    assert all(scene.closed for scene in bench.scenes)


def test_a_request_to_end_the_run_is_followed() -> None:
    bench = Bench()
    bench.stopped = lambda: True
    assert bench.pair().run() == 2
    assert bench.tried() == []


@pytest.mark.parametrize(
    ("ask", "status", "body", "outcome", "told"),
    [
        ("/api/orders/", 202, b'{"id": "o-1", "status": "pending"}', Outcome.OK, "202 pending"),
        ("/api/orders/", 202, b'{"id": "../x", "status": "pending"}', Outcome.INFO, "202 bad_body"),
        ("/api/orders/", 202, b"[1]", Outcome.INFO, "202 bad_body"),
        ("/api/orders/", 409, b'{"code": "sold_out"}', Outcome.FAIL, "409 sold_out"),
        ("/api/orders/", 404, b"<html>", Outcome.FAIL, "404"),
        ("/api/orders/", 500, b"", Outcome.INFO, "500"),
        ("/api/orders/", 302, b"", Outcome.INFO, "302"),
        ("/api/auth/logout/", 204, b"", Outcome.OK, "204"),
    ],
)
def test_what_an_answer_means(ask: str, status: int, body: bytes, outcome: Outcome, told: str) -> None:
    answer = read(Ask(op="buy", method="POST", path=ask), status, body)
    assert (answer.outcome, str(answer)) == (outcome, told)


def test_tokens_of_an_answer_are_not_told() -> None:
    answer = read(
        Ask(op="renew", method="POST", path="/api/auth/refresh/"), 200, b'{"access": "a.b.c", "refresh": "d"}'
    )
    assert answer.issued == ("a.b.c", "d")
    assert str(answer) == "200 new tokens"
