import pytest

from chaos.model.verdict import Verdict


def test_one_call_for_each_paid_order_is_held(world):
    world.call(world.bought("a"))
    world.bought("b", status="refused")
    world.bought("c", status="cancelled")
    finding = world.judge("side_effects_once")
    assert (finding.verdict, finding.figures["calls_most"]) == (Verdict.HELD, 1)


@pytest.mark.parametrize(("first", "verdict"), [(402, Verdict.VIOLATED), (422, Verdict.VIOLATED), (503, Verdict.HELD)])
def test_a_call_after_a_refusal_is_violated_after_an_outage_it_is_not(world, first, verdict):
    world.bought("good")
    order = world.bought("a", status="refused")
    world.call(order, 0.0, status=first)
    world.call(order, 1.0, status=402)
    assert world.judge("side_effects_once").verdict is verdict


@pytest.mark.parametrize(
    ("statuses", "end", "verdict"),
    [
        ((503,), "refused", Verdict.VIOLATED),
        ((500,), "refused", Verdict.VIOLATED),
        ((503, 503), "refused", Verdict.HELD),  # it was asked again; how often is enough is the shop's to say
        ((503, 402), "refused", Verdict.HELD),
        ((402,), "refused", Verdict.HELD),
        ((), "refused", Verdict.HELD),
        ((503,), "cancelled", Verdict.HELD),
    ],
)
def test_a_failure_of_the_gateways_is_no_refusal(world, statuses, end, verdict):
    world.bought("good")
    order = world.bought("a", status=end)
    for second, status in enumerate(statuses):
        world.call(order, float(second), status=status)
    finding = world.judge("side_effects_once")
    assert finding.verdict is verdict
    assert finding.figures["orders_given_up"] == (verdict is Verdict.VIOLATED)


def test_a_call_without_an_answer_does_not_count_as_given_up(world):
    """The result of the call is not known: the worker died, or the gateway closed the connection."""
    world.bought("good")
    world.call(world.bought("a", status="refused"), status=0, answered=False)
    assert world.judge("side_effects_once").verdict is Verdict.HELD


def test_too_many_calls_are_violated(world):
    order = world.bought("a")
    for second in range(4):
        world.call(order, float(second), status=503)
    assert world.judge("side_effects_once", calls_at_most=3).verdict is Verdict.VIOLATED
    assert world.judge("side_effects_once", calls_at_most=4).verdict is Verdict.HELD


def test_without_a_paid_order_or_settling_it_is_inconclusive(world):
    world.bought("a", status="pending")
    assert world.judge("side_effects_once").verdict is Verdict.INCONCLUSIVE
    world.bought("b")
    world.state.settled = False
    assert world.judge("side_effects_once").verdict is Verdict.INCONCLUSIVE
