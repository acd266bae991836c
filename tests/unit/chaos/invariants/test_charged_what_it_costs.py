import msgspec

from chaos.model.history import Outcome
from chaos.model.verdict import Verdict


def test_price_times_seats_is_held(world):
    world.bought("a", quantity=2)
    world.bought("b")
    finding = world.judge("charged_what_it_costs")
    assert (finding.verdict, finding.figures["charges"]) == (Verdict.HELD, 2)


def test_another_amount_is_violated(world):
    order = world.bought("a", quantity=2, status="pending")
    world.charge(order, amount_cents=100)
    finding = world.judge("charged_what_it_costs")
    assert (finding.verdict, finding.examples) == (Verdict.VIOLATED, (order,))


def test_an_order_of_another_amount_is_violated(world):
    world.bought("a")
    world.state.orders[0] = msgspec.structs.replace(world.state.orders[0], amount_cents=1)
    finding = world.judge("charged_what_it_costs")
    assert (finding.verdict, finding.figures["orders_wrong"]) == (Verdict.VIOLATED, 1)


def test_the_client_s_word_counts_more_than_the_order_s(world):
    """Two seats asked for and answered, one seat written down and charged."""
    world.ask("a", Outcome.OK, quantity=2, order="order-a", status=202)
    world.order("order-a", "a", quantity=1)
    world.charge("order-a", amount_cents=100)
    assert world.judge("charged_what_it_costs").verdict is Verdict.VIOLATED


def test_an_order_without_an_answer_is_judged_by_its_row(world):
    world.order("order-a", "a", quantity=2)
    world.charge("order-a", amount_cents=200)
    assert world.judge("charged_what_it_costs").verdict is Verdict.HELD
    world.charge("order-a", amount_cents=100)
    assert world.judge("charged_what_it_costs").verdict is Verdict.VIOLATED


def test_without_a_charge_it_is_inconclusive(world):
    world.bought("a", status="pending")
    assert world.judge("charged_what_it_costs").verdict is Verdict.INCONCLUSIVE
