import pytest

from chaos.model.history import Operation, Outcome
from chaos.model.verdict import Verdict


def poll(order, status):
    base = {"op": "poll", "phase": "spike", "intended": 1.0, "sent": 1.0, "ended": 1.1, "main": False}
    return Operation(id=f"poll-{order}", outcome=Outcome.OK, status=200, order=order, order_status=status, **base)


def test_one_charge_per_paid_and_none_per_refused_intent_is_held(world):
    world.bought("paid")
    world.bought("refused", status="refused")
    world.refused("sold-out")
    finding = world.judge("charged_exactly_once")
    assert finding.verdict is Verdict.HELD
    assert finding.figures["charges"] == 1
    assert finding.figures["intents"] == 3


def test_two_charges_for_one_order_are_doubled(world):
    order = world.bought("k")
    world.charge(order)
    finding = world.judge("charged_exactly_once")
    assert finding.verdict is Verdict.VIOLATED
    assert finding.examples == ("k",)
    assert finding.reason == "1 charged more than once"


def test_a_double_click_that_made_two_orders_is_one_intent_charged_twice(world):
    for attempt in (1, 2):
        order = f"o{attempt}"
        world.ask("k", Outcome.OK, order=order, status=202, attempt=attempt, main=attempt == 1)
        world.order(order, "k")
        world.charge(order)
    assert world.judge("charged_exactly_once").figures["intents_doubled"] == 1


def test_a_charge_by_idempotency_key_counts_for_its_intent(world):
    world.bought("k")
    world.charge("order-unknown", key="k")
    assert world.judge("charged_exactly_once").figures["intents_doubled"] == 1


def test_paid_by_the_clients_word_without_a_charge_is_missing(world):
    order = world.bought("k", status="pending")
    world.operations.append(poll(order, "paid"))
    finding = world.judge("charged_exactly_once")
    assert finding.verdict is Verdict.VIOLATED
    assert finding.reason == "1 paid without a charge"


def test_paid_by_the_databases_word_without_a_charge_is_missing(world):
    world.bought("k")
    world.state.charges.clear()
    assert world.judge("charged_exactly_once").figures["intents_missing"] == 1


def test_a_charge_for_an_order_that_ended_refused(world):
    world.charge(world.bought("k", status="refused"))
    assert world.judge("charged_exactly_once").reason == "1 charged although refused"


def test_one_refused_order_beside_a_paid_one_of_the_same_intent_is_right(world):
    world.bought("k")
    world.order("second", "k", "refused")
    assert world.judge("charged_exactly_once").verdict is Verdict.HELD


def test_a_charge_for_an_intent_whose_every_try_was_refused(world):
    world.bought("other")
    world.refused("k")
    world.order("o", "k", "pending")
    world.charge("o")
    finding = world.judge("charged_exactly_once")
    assert finding.verdict is Verdict.VIOLATED
    assert finding.examples == ("k",)


def test_a_charge_without_an_intent_is_a_phantom(world):
    world.bought("k")
    world.charge("rolled-back")
    finding = world.judge("charged_exactly_once")
    assert finding.verdict is Verdict.VIOLATED
    assert finding.examples == ("charge-1",)


def test_an_unknown_end_may_be_charged_or_not(world):
    world.bought("k")
    world.ask("charged", Outcome.INFO)
    world.order("o", "charged")
    world.charge("o")
    world.ask("not-charged", Outcome.INFO)
    assert world.judge("charged_exactly_once").verdict is Verdict.HELD


def test_a_gap_in_the_history_turns_phantoms_into_a_question(world):
    world.bought("k")
    world.charge("rolled-back")
    world.history_complete = False
    assert world.judge("charged_exactly_once").verdict is Verdict.INCONCLUSIVE


def test_a_gap_in_the_history_excuses_no_double_charge(world):
    world.charge(world.bought("k"))
    world.history_complete = False
    assert world.judge("charged_exactly_once").verdict is Verdict.VIOLATED


def test_nothing_accepted_is_inconclusive(world):
    world.refused("k")
    assert world.judge("charged_exactly_once").verdict is Verdict.INCONCLUSIVE


def test_money_given_back_for_a_paid_order_that_nobody_cancelled_is_violated(world):
    world.bought("kept")
    order = world.bought("k")
    world.refund(order)
    finding = world.judge("charged_exactly_once")
    assert (finding.verdict, finding.examples) == (Verdict.VIOLATED, ("k",))
    assert finding.reason == "1 given back although paid, and nobody cancelled"


def test_a_double_charge_given_back_is_no_gift_but_both_are(world):
    """One of two charges of an intent is owed to the customer; `doubled` judges the second one all the same."""
    order = world.bought("k")
    world.charge(order)
    world.refund(order)
    assert world.judge("charged_exactly_once").figures["intents_returned"] == 0
    world.refund(order)
    assert world.judge("charged_exactly_once").figures["intents_returned"] == 1


@pytest.mark.parametrize("status", ["cancelled", "refused", "pending"])
def test_a_refund_for_an_order_that_is_not_paid_is_no_gift(world, status):
    world.bought("other")
    order = world.bought("k", status=status)
    world.charge(order)
    world.refund(order)
    assert world.judge("charged_exactly_once").figures["intents_returned"] == 0


@pytest.mark.parametrize(("outcome", "gifts"), [(Outcome.OK, 0), (Outcome.INFO, 0), (Outcome.FAIL, 1)])
def test_a_refund_that_a_customer_asked_for_is_no_gift_unless_it_was_refused(world, outcome, gifts):
    order = world.bought("k")
    world.asked("cancel", order, outcome=outcome)
    world.refund(order)
    assert world.judge("charged_exactly_once").figures["intents_returned"] == gifts
