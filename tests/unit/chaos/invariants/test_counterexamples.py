"""Each violation points at the few orders and operations that show it; the world checks that they can be looked up."""

from chaos.model.evidence import Ticket
from chaos.model.history import Outcome
from chaos.model.verdict import Counterexample


def test_an_oversold_tier_shows_the_order_that_went_beyond_it_and_the_one_before(world):
    for number in range(12):
        world.bought(f"k{number:02}")
        world.state.orders[-1] = _created(world.state.orders[-1], 0.010 * number)
    found = world.judge("no_oversell").counterexample
    assert found.orders == ("order-k09", "order-k10")
    assert found.tiers == (1,)
    assert found.says.startswith("10 seats were taken when the second of these orders took 1 more, 10.0 ms after the")


def test_tickets_alone_beyond_the_seats_show_the_tier(world):
    world.bought("k", quantity=2)
    world.state.tickets += [Ticket(ticket_id=f"x{n}", order_id="order-k", tier_id=1) for n in range(9)]
    found = world.judge("no_oversell").counterexample
    assert found == Counterexample(says="more tickets than seats, though the orders alone would fit", tiers=(1,))


def test_an_order_larger_than_the_whole_tier_stands_alone(world):
    world.bought("k", quantity=11)
    assert world.judge("no_oversell").counterexample.orders == ("order-k",)


def test_a_double_charge_shows_its_intent(world):
    world.bought("k")
    world.charge("order-k", "k")
    found = world.judge("charged_exactly_once").counterexample
    assert (found.keys, found.says) == (("k",), "one intent, 2 captured charges")


def test_a_charge_without_an_intent_is_its_own_counterexample(world):
    world.bought("k")
    world.charge("order-of-nobody")
    assert world.judge("charged_exactly_once").counterexample.charges == ("charge-1",)


def test_lost_orders_show_one_that_is_missing(world):
    world.ask("k", Outcome.OK, status=202, order="order-k")
    assert world.judge("no_lost_orders").counterexample.orders == ("order-k",)


def test_a_lost_order_without_a_name_shows_its_operation(world):
    op = world.ask("k", Outcome.OK, status=202)
    assert world.judge("no_lost_orders").counterexample.operations == (op.id,)


def test_a_pending_order_shows_itself(world):
    world.bought("k", status="pending")
    assert world.judge("no_lost_orders").counterexample.orders == ("order-k",)


def test_a_false_refusal_shows_the_operation(world):
    op = world.refused("k")
    found = world.judge("no_false_refusal").counterexample
    assert found.operations == (op.id,)
    assert "at least 10 of 10 were free" in found.says


def test_seats_left_over_show_an_intent_that_got_none(world):
    for number in range(9):
        world.bought(f"k{number}")
    world.refused("r1")
    world.refused("r2")
    assert world.judge("sells_out").counterexample.keys == ("r1",)


def test_what_is_held_has_none(world):
    world.bought("k")
    assert world.judge("no_oversell").counterexample is None


def test_it_stays_small():
    assert Counterexample(says="many", orders=tuple("abcdef")).orders == ("a", "b", "c")


def _created(order, at_s):
    fields = {name: getattr(order, name) for name in order.__struct_fields__}
    return type(order)(**fields | {"created_unix_s": order.created_unix_s + at_s})
