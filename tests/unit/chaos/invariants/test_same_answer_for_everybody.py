import random

import pytest

from chaos.invariants.same_answer_for_everybody import chance
from chaos.model.history import Outcome
from chaos.model.verdict import Verdict
from tests.unit.chaos.invariants.conftest import World

CHECK = "same_answer_for_everybody"


@pytest.fixture
def world():
    return World()


def told(world, number, *, guests_every=7, op="browse", **answer):
    """*number* answers, each seventh the guest's; those of *answer* may be functions of who asks."""
    for index in range(number):
        guest = index % guests_every == 0
        given = {name: value(guest) if callable(value) else value for name, value in answer.items()}
        given = {"status": 200, "outcome": Outcome.OK, "digest": "d1", **given}
        world.ask("", given.pop("outcome"), op=op, tier=None, profile="guest" if guest else "", **given)


def test_held_when_everybody_is_told_the_same(world):
    told(world, 140)
    told(world, 70, op="buy", status=202)
    finding = world.judge(CHECK)
    assert (finding.verdict, finding.measured) == (Verdict.HELD, "30 answers to the guest, 180 to the load")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status": lambda guest: 503 if guest else 200, "digest": ""}, "503"),
        ({"status": lambda guest: 200 if guest else 503, "digest": ""}, "200"),
        ({"stale": lambda guest: not guest}, "200, marked as stale"),
        ({"digest": lambda guest: "d2" if guest else "d1"}, "content d1"),
        ({"ended": lambda guest: 9.0 if guest else 0.1}, "an answer after more than 4 s"),
        ({"status": lambda guest: 0 if guest else 200, "outcome": Outcome.INFO}, "no answer"),
        (
            {"status": 409, "outcome": Outcome.FAIL, "reason": lambda guest: "sold_out" if guest else "busy"},
            "409 sold_out",
        ),
    ],
)
def test_violated_by_any_kind_of_answer_that_depends_on_who_asks(world, answer, kind):
    told(world, 140, **answer)
    finding = world.judge(CHECK)
    assert finding.verdict is Verdict.VIOLATED
    assert finding.where == "spike"
    assert kind in finding.reason
    assert finding.counterexample.operations


def test_an_outage_that_hits_everybody_is_no_difference(world):
    """The answers change with time, but chance decides which of the requests are the guest's."""
    dice = random.Random(3)
    for run in range(60):
        world = World()
        for index in range(200):
            broken = 60 <= index < 110 or dice.random() < 0.03
            kind = {"status": 503, "outcome": Outcome.INFO} if broken else {"status": 200, "outcome": Outcome.OK}
            who = "guest" if dice.random() < 0.15 else ""
            world.ask("", kind.pop("outcome"), op="browse", tier=None, profile=who, digest="d", **kind)
        assert world.judge(CHECK).verdict is Verdict.HELD, run


def test_content_that_is_never_the_same_is_no_difference(world):
    for index in range(200):
        world.ask(
            "", Outcome.OK, op="browse", status=200, digest=f"d{index}", profile="guest" if index % 7 == 0 else ""
        )
    assert world.judge(CHECK).verdict is Verdict.HELD


def test_a_single_odd_answer_proves_nothing(world):
    told(world, 140)
    world.ask("", Outcome.INFO, op="browse", status=503, profile="guest")
    assert world.judge(CHECK).verdict is Verdict.HELD


def test_inconclusive_without_enough_of_the_guest(world):
    told(world, 60)
    finding = world.judge(CHECK)
    assert (finding.verdict, finding.reason) == (
        Verdict.INCONCLUSIVE, "the guest asked 9 times, expected at least 10 to compare",
    )  # fmt: skip


def test_inconclusive_when_lines_are_missing_but_what_is_there_counts(world):
    told(world, 140)
    world.history_complete = False
    assert world.judge(CHECK).verdict is Verdict.INCONCLUSIVE
    told(world, 140, status=lambda guest: 503 if guest else 200)
    assert world.judge(CHECK).verdict is Verdict.VIOLATED


def test_follow_ups_and_what_was_never_sent_are_left_out(world):
    told(world, 140)
    told(world, 140, main=False, status=lambda guest: 503 if guest else 200)
    told(world, 140, outcome=Outcome.DROPPED, sent=None, status=0)
    assert world.judge(CHECK).verdict is Verdict.HELD


def test_chances():
    assert chance(100, 10, 0, 0) == 1.0
    assert chance(100, 10, 100, 10) == 1.0
    assert chance(4, 2, 2, 2) == pytest.approx(1 / 6)
    assert chance(4, 2, 2, 0) == pytest.approx(1 / 6)
    assert chance(140, 20, 20, 20) < 1e-20
    assert chance(140, 20, 120, 0) < 1e-20
