import pytest

from chaos.model.history import Outcome
from chaos.model.verdict import Verdict


def test_all_final_is_held(world):
    for status in ("paid", "refused", "cancelled"):
        world.bought(status, status=status)
    finding = world.judge("no_lost_orders")
    assert finding.verdict is Verdict.HELD
    assert finding.figures == {"accepted": 3, "absent": 0, "not_final": 0}


def test_an_accepted_order_that_does_not_exist_is_violated(world):
    world.bought("there")
    world.ask("gone", Outcome.OK, order="order-gone", status=202)
    world.state.healthy = False
    finding = world.judge("no_lost_orders")
    assert finding.verdict is Verdict.VIOLATED
    assert finding.examples == ("order-gone",)


def test_pending_on_a_healthy_stack_breaks_the_promise(world):
    order = world.bought("stuck", status="pending")
    finding = world.judge("no_lost_orders")
    assert finding.verdict is Verdict.VIOLATED
    assert finding.examples == (order,)
    assert finding.reason == "1 accepted orders were still not final after settling for 3 s"


def test_pending_on_an_ill_stack_is_inconclusive(world):
    world.bought("stuck", status="pending")
    world.state.healthy = False
    finding = world.judge("no_lost_orders")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "not healthy enough" in finding.reason


def test_pending_when_the_settling_was_ended_by_hand_breaks_no_promise(world):
    world.bought("stuck", status="pending")
    world.state.cut = True
    finding = world.judge("no_lost_orders")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason == "1 orders were not final after settling for 3 s, but it was ended by hand"


@pytest.mark.parametrize(("key", "verdict"), [("k", Verdict.HELD), ("other", Verdict.VIOLATED)])
def test_an_answer_without_an_order_id_is_looked_up_by_its_key(world, key, verdict):
    world.ask("k", Outcome.OK, status=202)
    world.order("o", key)
    assert world.judge("no_lost_orders").verdict is verdict


def test_an_order_that_no_client_saw_accepted_is_not_promised(world):
    world.bought("there")
    world.ask("unsure", Outcome.INFO)
    world.order("o", "unsure", "pending")
    assert world.judge("no_lost_orders").verdict is Verdict.HELD


def test_nothing_accepted_is_inconclusive(world):
    world.refused("k")
    assert world.judge("no_lost_orders").verdict is Verdict.INCONCLUSIVE
