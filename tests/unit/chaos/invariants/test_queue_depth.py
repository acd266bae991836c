import pytest

from chaos.model.evidence import QueueSample
from chaos.model.span import Span
from chaos.model.verdict import Verdict
from tests.unit.chaos.invariants.conftest import World

NAME = "queue_depth"
LIMITS = {"at_most": 50, "drains_within": "5s"}


@pytest.fixture
def world():
    world = World()
    world.phases = (Span(name="outage", start_s=0, end_s=20),)
    world.lifted_s = 10.0
    return world


def depths(world: World, at: dict[range, int]) -> None:
    world.queue = [
        QueueSample(at_s=float(s), queued=depth, unacked=1) for seconds, depth in at.items() for s in seconds
    ]


def test_held_when_it_stays_short_and_drains(world):
    depths(world, {range(10): 40, range(10, 20): 0})
    finding = world.judge(NAME, **LIMITS)
    assert (finding.verdict, finding.measured) == (Verdict.HELD, "41 messages at 0 s, drained 0 s after the lift")


def test_violated_when_it_grows_beyond_the_limit(world):
    depths(world, {range(10): 50, range(10, 20): 0})
    finding = world.judge(NAME, **LIMITS)
    assert (finding.verdict, finding.measured) == (Verdict.VIOLATED, "51 messages at 0 s")


def test_violated_when_it_drains_late_or_never(world):
    depths(world, {range(16): 40, range(16, 20): 0})
    assert world.judge(NAME, **LIMITS).verdict is Verdict.VIOLATED
    depths(world, {range(20): 40})
    assert world.judge(NAME, **LIMITS).verdict is Verdict.VIOLATED


def test_empty_for_a_moment_is_not_drained(world):
    depths(world, {range(10): 0, range(10, 12): 0, range(12, 19): 40, range(19, 20): 0})
    finding = world.judge(NAME, **LIMITS)
    assert (finding.verdict, finding.reason) == (
        Verdict.VIOLATED,
        "41 messages were left 8 s after the last lift, expected at most 8 after 5 s",
    )


def test_inconclusive_when_redis_was_hardly_read(world):
    depths(world, {range(9): 0})
    assert world.judge(NAME, **LIMITS).verdict is Verdict.INCONCLUSIVE


def test_inconclusive_when_the_load_ended_too_early_to_see_it_drain(world):
    world.lifted_s = 17.0
    depths(world, {range(20): 40})
    assert world.judge(NAME, **LIMITS).verdict is Verdict.INCONCLUSIVE


def test_inconclusive_without_a_lift(world):
    world.lifted_s = None
    depths(world, {range(20): 0})
    assert world.judge(NAME, **LIMITS).verdict is Verdict.INCONCLUSIVE
