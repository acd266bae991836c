"""Orders whose `updated_at` never moved: as after `filter(…).update(status=…)` without it."""

import pytest

from chaos.judge.witnessed import with_witnessed_times
from tests.unit.chaos.invariants.conftest import T0_UNIX_S, World


@pytest.fixture
def world():
    return World()


def ordered(world: World, status: str = "paid", updated_s: float = 0.0) -> str:
    """Made at second 0."""
    order_id = f"order-{len(world.state.orders)}"
    world.order(order_id, order_id, status, updated_s=updated_s)
    return order_id


def changed_s(world: World) -> float:
    """When the last order is said to have changed, on the run's clock."""
    return with_witnessed_times(world.state).orders[-1].updated_unix_s - T0_UNIX_S


def test_a_charge_tells_when_it_was_paid_at_the_earliest(world):
    order = ordered(world)
    world.charge(order)  # at 1 s
    assert changed_s(world) == 1.0
    assert world.state.orders[-1].updated_unix_s == T0_UNIX_S, "the evidence itself stays as it is"


@pytest.mark.parametrize(("status", "said_s"), [(402, 5.1), (201, 5.1), (503, 0.0)])
def test_so_does_an_answer_that_decided_something(world, status, said_s):
    world.call(ordered(world, status="refused"), 5.0, status=status)
    assert changed_s(world) == pytest.approx(said_s)


def test_a_later_time_of_the_shop_is_kept(world):
    order = ordered(world, updated_s=7.0)
    world.charge(order)
    world.call(order, 5.0)
    assert changed_s(world) == 7.0


def test_when_an_order_was_cancelled_may_not_be_known(world):
    ordered(world, status="cancelled")
    assert changed_s(world) == float("inf")
    ordered(world, status="cancelled", updated_s=0.5)
    assert changed_s(world) == 0.5
    world.refund(ordered(world, status="cancelled"))  # at 2 s
    assert changed_s(world) == 2.0


def test_a_pending_order_has_no_such_time(world):
    world.charge(ordered(world, status="pending"))
    assert changed_s(world) == 0.0


def test_who_told_the_truth_is_not_accused_and_who_did_not_is(world):
    """Sent at 1.5 s, half a second after the money was taken: with a column that stands still it seemed to be late."""
    order = ordered(world)
    world.charge(order)
    world.asked("poll", order, "pending", at_s=1.5)
    assert world.judge("status_is_current").verdict == "violated"
    world.state = with_witnessed_times(world.state)
    assert world.judge("status_is_current").verdict == "inconclusive"
    world.asked("poll", order, "pending", at_s=2.5)
    assert world.judge("status_is_current").verdict == "violated"
