import pytest

from chaos.model.history import Outcome
from chaos.model.verdict import Verdict
from tests.unit.chaos.invariants.conftest import World

NAME = "accepted_then_settled"


@pytest.fixture
def world():
    return World()


def accepted(world: World, key: str, *, at_s: float, updated_s: float, status: str = "paid") -> str:
    order_id = f"order-{key}"
    world.ask(key, Outcome.OK, at_s=at_s, status=202, order=order_id)
    world.order(order_id, key, status, updated_s=updated_s)
    return order_id


def test_held_when_it_was_quick(world):
    accepted(world, "k1", at_s=1.0, updated_s=3.0)
    finding = world.judge(NAME, within="2s")
    assert (finding.verdict, finding.measured) == (Verdict.HELD, "1 accepted, slowest 1.9 s, 0 not in time")


def test_an_outage_holds_it_up_but_its_end_does_not_end_it(world):
    accepted(world, "k1", at_s=1.0, updated_s=14.0)
    assert world.judge(NAME, within="5s").verdict is Verdict.VIOLATED
    world.lifted_s = 10.0
    assert world.judge(NAME, within="5s").verdict is Verdict.HELD
    assert world.judge(NAME, within="3s").verdict is Verdict.VIOLATED


def test_one_that_came_late_violates_it(world):
    accepted(world, "k1", at_s=1.0, updated_s=2.0)
    late = accepted(world, "k2", at_s=1.0, updated_s=9.0)
    finding = world.judge(NAME, within="5s")
    assert (finding.verdict, finding.examples) == (Verdict.VIOLATED, (late,))
    assert not finding.exact, "a saturated machine has a say in it"


def test_one_that_never_came_violates_it_on_a_healthy_stack_only(world):
    accepted(world, "k1", at_s=1.0, updated_s=2.0, status="pending")
    assert world.judge(NAME, within="5s").verdict is Verdict.VIOLATED
    world.state.healthy = False
    assert world.judge(NAME, within="5s").verdict is Verdict.INCONCLUSIVE


def test_one_that_does_not_exist_violates_it(world):
    world.ask("k1", Outcome.OK, status=202, order="order-nowhere")
    assert world.judge(NAME, within="5s").verdict is Verdict.VIOLATED


def test_what_was_not_accepted_need_not_be_settled(world):
    accepted(world, "k1", at_s=1.0, updated_s=2.0)
    world.ask("k2", Outcome.INFO, status=503)
    world.order("order-k2", "k2", "pending", updated_s=60.0)
    assert world.judge(NAME, within="5s").verdict is Verdict.HELD


def test_inconclusive_when_nothing_was_accepted(world):
    world.ask("k1", Outcome.INFO, status=503)
    assert world.judge(NAME, within="5s").verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("op", ["buy_and_cancel", "resubmit"])
def test_orders_that_other_operations_placed_count_too(world, op):
    accepted(world, "k1", at_s=1.0, updated_s=2.0)
    world.ask("k2", Outcome.OK, at_s=1.0, status=202, order="order-k2", op=op)
    world.order("order-k2", "k2", "pending")
    finding = world.judge(NAME, within="5s")
    assert (finding.verdict, finding.examples) == (Verdict.VIOLATED, ("order-k2",))
    world.state.orders.clear()
    world.order("order-k1", "k1", updated_s=2.0)
    assert world.judge(NAME, within="5s").measured == "2 accepted, slowest 0.9 s, 1 not in time"
