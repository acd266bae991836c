import pytest

from chaos.model.verdict import Verdict


def told(world, key, times=1, **more):
    order = world.bought(key, **more)
    if times:
        world.effect(order, times)
    return order


def test_one_confirmation_for_each_paid_order_is_held(world):
    world.call(told(world, "a"))
    told(world, "b", times=0, status="refused")
    told(world, "c", status="cancelled")
    finding = world.judge("side_effects_once")
    assert (finding.verdict, finding.figures["calls_most"]) == (Verdict.HELD, 1)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"times": 2}, "1 side effects happened more than once"),
        ({"times": 0}, "1 paid orders have no side effect"),
        ({"status": "refused"}, "1 side effects belong to orders that were not paid"),
        ({"status": "pending"}, "1 side effects belong to orders that were not paid"),
    ],
)
def test_too_many_too_few_or_unfounded_is_violated(world, how, reason):
    told(world, "good")
    order = told(world, "a", **how)
    finding = world.judge("side_effects_once")
    assert (finding.verdict, finding.reason, finding.examples) == (Verdict.VIOLATED, reason, (order,))


@pytest.mark.parametrize(("first", "verdict"), [(402, Verdict.VIOLATED), (422, Verdict.VIOLATED), (503, Verdict.HELD)])
def test_a_call_after_a_refusal_is_violated_after_an_outage_it_is_not(world, first, verdict):
    told(world, "good")
    order = world.bought("a", status="refused")
    world.call(order, 0.0, status=first)
    world.call(order, 1.0, status=402)
    assert world.judge("side_effects_once").verdict is verdict


def test_too_many_calls_are_violated(world):
    order = told(world, "a")
    for second in range(4):
        world.call(order, float(second), status=503)
    assert world.judge("side_effects_once", calls_at_most=3).verdict is Verdict.VIOLATED
    assert world.judge("side_effects_once", calls_at_most=4).verdict is Verdict.HELD


def test_without_a_paid_order_or_settling_it_is_inconclusive(world):
    world.bought("a", status="pending")
    assert world.judge("side_effects_once").verdict is Verdict.INCONCLUSIVE
    told(world, "b", times=0)
    world.state.settled = False
    assert world.judge("side_effects_once").verdict is Verdict.INCONCLUSIVE
