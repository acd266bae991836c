import pytest

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
    world.asked("cancel", order, outcome=Outcome.FAIL, status=409, refused=True, reason="not_cancellable")
    assert world.judge("refund_for_cancelled").verdict is Verdict.HELD
    world.asked("cancel", world.bought("b"), outcome=Outcome.FAIL, status=409, refused=True, reason="not_cancellable")
    finding = world.judge("refund_for_cancelled")
    assert (finding.verdict, finding.examples) == (Verdict.VIOLATED, ("order-b",))


@pytest.mark.parametrize(("status", "code"), [(409, "busy"), (404, "http_404"), (429, "throttled")])
def test_no_other_4xx_is_a_way_out(world, status, code):
    """Every cancel during a charge failed and the others succeeded, so the case under test never happened."""
    cancelled(world, "ok")
    world.asked("cancel", world.bought("a"), outcome=Outcome.FAIL, status=status, reason=code)
    finding = world.judge("refund_for_cancelled")
    assert (finding.verdict, finding.examples) == (Verdict.VIOLATED, ("order-a",))
    assert finding.figures["orders_denied"] == 1


def test_a_second_try_that_finds_it_busy_denies_nothing(world):
    order = cancelled(world, "ok")
    world.asked("cancel", order, outcome=Outcome.FAIL, status=409, reason="busy")
    assert world.judge("refund_for_cancelled").verdict is Verdict.HELD


@pytest.mark.parametrize(("open_", "verdict"), [(1, Verdict.HELD), (2, Verdict.INCONCLUSIVE)])
def test_errors_that_leave_it_open_are_unknown_when_they_are_many(world, open_, verdict):
    for number in range(20):
        cancelled(world, f"ok-{number}")
    for number in range(open_):
        world.asked("cancel", world.bought(f"a-{number}"), outcome=Outcome.INFO, status=503)
    finding = world.judge("refund_for_cancelled")
    assert (finding.verdict, finding.figures["left_open"]) == (verdict, open_)


def test_an_error_to_a_cancel_that_took_place_leaves_nothing_open(world):
    cancelled(world, "ok")
    world.refund(world.bought("a", status="cancelled"))
    world.asked("cancel", "order-a", outcome=Outcome.INFO, status=503)
    assert world.judge("refund_for_cancelled").verdict is Verdict.HELD


def test_no_answer_is_no_refused_cancel(world):
    for number in range(20):
        cancelled(world, f"ok-{number}")
    world.asked("cancel", world.bought("a"), outcome=Outcome.FAIL, status=0, reason="connection_refused")
    assert world.judge("refund_for_cancelled").verdict is Verdict.HELD


def test_without_a_cancelled_order_it_is_inconclusive(world):
    world.asked("cancel", world.bought("a"), outcome=Outcome.INFO, status=503)
    assert world.judge("refund_for_cancelled").verdict is Verdict.INCONCLUSIVE


def test_money_that_an_unhealthy_stack_could_not_give_back_is_inconclusive(world):
    cancelled(world, "a", refunded=False)
    world.state.settled = world.state.healthy = False
    assert world.judge("refund_for_cancelled").verdict is Verdict.INCONCLUSIVE
    world.state.healthy = True
    assert world.judge("refund_for_cancelled").verdict is Verdict.VIOLATED
