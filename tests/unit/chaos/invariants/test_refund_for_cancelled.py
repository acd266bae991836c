from chaos.model.history import Outcome
from chaos.model.verdict import Verdict


def cancelled(world, key, *, status="cancelled", charged=True, refunded=True):
    order = world.bought(key, status=status)
    world.asked("cancel", order, "cancelled", at_s=1.0)
    if charged and status != "paid":
        world.charge(order)
    if refunded:
        world.refund(order)
    return order


def test_money_back_no_ticket_still_cancelled_is_held(world):
    cancelled(world, "a")
    cancelled(world, "b", charged=False, refunded=False)
    world.bought("c")
    finding = world.judge("refund_for_cancelled")
    assert finding.verdict is Verdict.HELD
    assert finding.figures["cancelled"] == 2


def test_money_that_was_kept_is_violated(world):
    order = cancelled(world, "a", refunded=False)
    finding = world.judge("refund_for_cancelled")
    assert (finding.verdict, finding.examples) == (Verdict.VIOLATED, (order,))
    assert "1 cancelled orders whose money was kept" in finding.reason


def test_one_charge_of_two_given_back_is_not_enough(world):
    world.charge(cancelled(world, "a"))
    assert world.judge("refund_for_cancelled").verdict is Verdict.VIOLATED


def test_a_charge_under_way_that_brings_it_back_to_life_is_violated(world):
    """The client was told "cancelled"; the database says paid, with a ticket and the money."""
    cancelled(world, "a", status="paid", refunded=False)
    finding = world.judge("refund_for_cancelled")
    assert finding.verdict is Verdict.VIOLATED
    assert {name: finding.figures[f"orders_{name}"] for name in ("kept", "admitted", "revived")} == {
        "kept": 1,
        "admitted": 1,
        "revived": 1,
    }


def test_refusing_to_cancel_a_paid_order_is_violated_a_refused_one_is_not(world):
    cancelled(world, "ok")
    order = world.bought("a", status="refused")
    world.asked("cancel", order, outcome=Outcome.FAIL, refused=True, reason="not_cancellable")
    assert world.judge("refund_for_cancelled").verdict is Verdict.HELD
    world.asked("cancel", world.bought("b"), outcome=Outcome.FAIL, refused=True, reason="not_cancellable")
    finding = world.judge("refund_for_cancelled")
    assert (finding.verdict, finding.examples) == (Verdict.VIOLATED, ("order-b",))


def test_without_a_cancelled_order_it_is_inconclusive(world):
    world.asked("cancel", world.bought("a"), outcome=Outcome.INFO, status=503)
    assert world.judge("refund_for_cancelled").verdict is Verdict.INCONCLUSIVE


def test_money_that_an_unhealthy_stack_could_not_give_back_is_inconclusive(world):
    cancelled(world, "a", refunded=False)
    world.state.settled = world.state.healthy = False
    assert world.judge("refund_for_cancelled").verdict is Verdict.INCONCLUSIVE
    world.state.healthy = True
    assert world.judge("refund_for_cancelled").verdict is Verdict.VIOLATED
