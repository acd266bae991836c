from chaos.model.history import Outcome
from chaos.model.verdict import Verdict


def again(world, key, order, *, attempt=2, quantity=1, outcome=Outcome.OK, **more):
    world.ask(key, outcome, order=order, attempt=attempt, main=False, quantity=quantity, **more)


def test_the_same_order_twice_is_held(world):
    again(world, "a", world.bought("a"))
    again(world, "a", "", attempt=3, quantity=2, outcome=Outcome.FAIL, refused=True, reason="key_reused")
    finding = world.judge("same_key_same_order")
    assert (finding.verdict, finding.figures["repeated"]) == (Verdict.HELD, 1)


def test_two_orders_for_one_key_are_violated_by_the_answers(world):
    world.bought("a")
    again(world, "a", "order-other")
    finding = world.judge("same_key_same_order")
    assert (finding.verdict, finding.examples) == (Verdict.VIOLATED, ("a",))


def test_two_orders_for_one_key_are_violated_by_the_database(world):
    """The second answer was lost; its order is there all the same."""
    world.bought("a")
    again(world, "a", "", outcome=Outcome.INFO)
    world.order("order-other", "a")
    assert world.judge("same_key_same_order").verdict is Verdict.VIOLATED


def test_one_order_for_two_keys_is_violated(world):
    """An API that answers from a cache for ever."""
    order = world.bought("a")
    for key in ("b", "c"):
        again(world, key, order, attempt=1)
    finding = world.judge("same_key_same_order")
    assert (finding.verdict, finding.reason) == (Verdict.VIOLATED, "1 orders belong to two keys")


def test_another_body_under_the_same_key_is_violated(world):
    again(world, "a", world.bought("a"), quantity=2)
    finding = world.judge("same_key_same_order")
    assert (finding.verdict, finding.reason) == (Verdict.VIOLATED, "1 keys were accepted with two bodies")


def test_without_a_repeated_key_it_is_inconclusive(world):
    world.bought("a")
    world.refused("b")
    world.refused("b", attempt=2)
    assert world.judge("same_key_same_order").verdict is Verdict.INCONCLUSIVE
