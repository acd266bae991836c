import pytest

from chaos.model.history import Outcome
from chaos.model.verdict import Verdict


def fill(world, seats, quantity=1):
    for number in range(seats // quantity):
        world.bought(f"k{number}", quantity=quantity)


def test_every_seat_sold_under_larger_demand_is_held(world):
    fill(world, 10)
    world.refused("late", at_s=5)
    finding = world.judge("sells_out")
    assert finding.verdict is Verdict.HELD
    assert finding.figures == {"seats_sold": 10, "capacity": 10, "seats_wanted": 11}


@pytest.mark.parametrize("outcome", [Outcome.INFO, Outcome.FAIL], ids=["unanswered", "failed"])
def test_a_free_seat_that_an_intent_wanted_is_violated(world, outcome):
    fill(world, 8)
    for number in range(3):
        world.ask(f"turned-away-{number}", outcome, status=0 if outcome is Outcome.INFO else 429)
    finding = world.judge("sells_out")
    assert finding.verdict is Verdict.VIOLATED
    assert finding.measured == "8 of 10 seats sold, 11 wanted"
    assert finding.examples == ("turned-away-0", "turned-away-1", "turned-away-2")
    world.busy = {"spike": "the machine was saturated"}  # which answers late, and refuses nobody
    excused = outcome is Outcome.INFO
    assert world.judge("sells_out").verdict is (Verdict.INCONCLUSIVE if excused else Verdict.VIOLATED)


def test_a_last_seat_into_which_no_intent_fits_is_held(world):
    fill(world, 9)
    world.refused("pair", quantity=2)
    assert world.judge("sells_out").verdict is Verdict.HELD


def test_a_seat_given_back_after_the_last_ask_is_no_fault(world):
    fill(world, 9)
    world.call(world.bought("gave-back", status="refused"), status=402)
    world.refused("late", at_s=0.5)
    assert world.judge("sells_out").verdict is Verdict.HELD


def test_whom_the_shop_accepted_and_refused_later_was_turned_away(world):
    """Everybody is accepted, and most are refused when nobody asks any more: the seats could have been sold."""
    fill(world, 4)
    for number in range(8):
        world.bought(f"turned-away-{number}", status="refused")
    finding = world.judge("sells_out")
    assert finding.verdict is Verdict.VIOLATED
    assert finding.reason == "6 seats are left although 8 intents that would have fitted got none"


def test_a_seat_given_back_before_the_last_ask_counts(world):
    fill(world, 9)
    world.call(world.bought("gave-back", status="refused"), status=402)
    world.refused("late", at_s=2)
    assert world.judge("sells_out").examples == ("late",)


def test_an_unanswered_ask_that_the_database_holds_was_served(world):
    fill(world, 10)
    world.ask("unsure", Outcome.INFO)
    world.state.orders.pop()
    world.state.tickets.pop()
    world.order("o", "unsure")
    world.refused("other", quantity=4)
    assert world.judge("sells_out").verdict is Verdict.HELD


def test_a_second_try_is_not_a_second_demand(world):
    fill(world, 9)
    world.ask("k8", Outcome.INFO, attempt=2, main=False)
    finding = world.judge("sells_out")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.figures["seats_wanted"] == 9


def test_demand_up_to_the_stock_is_inconclusive(world):
    fill(world, 10)
    finding = world.judge("sells_out")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "demand never exceeded stock (tier 1: 10 seats wanted of 10)" in finding.reason


def test_no_ask_is_inconclusive(world):
    assert world.judge("sells_out").reason == "no seat was asked for"


def test_another_body_under_a_used_key_is_no_demand(world):
    """Its order was refused by the gateway; the mistaken repetition wanted no seats of its own."""
    for number in range(6):
        world.bought(f"k{number}")
    for number in range(5):
        world.call(world.bought(f"r{number}", status="refused"), status=402)
    world.call(world.bought("late", status="refused", at_s=5.0), status=402)
    assert world.judge("sells_out").verdict is Verdict.HELD
    world.ask("r0", Outcome.FAIL, attempt=4, at_s=5.0, quantity=2, status=422, reason="key_reused", refused=True)
    assert world.judge("sells_out").verdict is Verdict.HELD
