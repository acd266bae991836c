import pytest

from chaos.model.history import Outcome
from chaos.model.verdict import Verdict
from tests.unit.chaos.invariants.conftest import World

PROBLEM = {"content_type": "application/problem+json", "problem": True}


@pytest.fixture
def world():
    world = World()
    world.bought("k1")
    return world


def test_held_when_every_error_is_a_problem(world):
    world.ask("k2", Outcome.FAIL, status=409, **PROBLEM)
    world.ask("k3", Outcome.INFO, status=503, **PROBLEM)
    finding = world.judge("error_shape")
    assert (finding.verdict, finding.measured) == (Verdict.HELD, "2 errors, 0 of another shape")


@pytest.mark.parametrize("content_type", ["text/html", "application/json", "none"])
def test_one_error_of_another_shape_violates_it(world, content_type):
    world.ask("k2", Outcome.FAIL, status=409, **PROBLEM)
    html = world.ask("k3", Outcome.INFO, status=500, content_type=content_type)
    finding = world.judge("error_shape")
    assert (finding.verdict, finding.examples) == (Verdict.VIOLATED, (html.id,))
    assert finding.reason == f"errors that are no problem+json: 1 × 500 {content_type}"


def test_the_right_type_over_another_body_violates_it(world):
    world.ask("k2", Outcome.INFO, status=500, content_type="application/problem+json", problem=False)
    assert world.judge("error_shape").verdict is Verdict.VIOLATED


def test_a_poll_counts_too(world):
    world.ask("", Outcome.INFO, op="poll", main=False, status=500, content_type="text/html")
    assert world.judge("error_shape").verdict is Verdict.VIOLATED


def test_inconclusive_when_nothing_went_wrong(world):
    assert world.judge("error_shape").verdict is Verdict.INCONCLUSIVE


def test_inconclusive_when_lines_are_missing(world):
    world.ask("k2", Outcome.FAIL, status=409, **PROBLEM)
    world.history_complete = False
    assert world.judge("error_shape").verdict is Verdict.INCONCLUSIVE
