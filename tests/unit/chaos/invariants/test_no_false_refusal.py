import pytest

from chaos.model.history import Outcome
from chaos.model.verdict import Verdict


def test_a_refusal_when_all_seats_may_be_gone_is_held(world):
    for number in range(5):
        world.bought(f"k{number}", quantity=2, at_s=number)
    world.refused("late", at_s=10)
    finding = world.judge("no_false_refusal")
    assert finding.verdict is Verdict.HELD
    assert finding.figures == {"refusals": 1, "false_refusals": 0, "accepted": 5}


@pytest.mark.parametrize("order", [list, reversed], ids=["in order", "reversed"])
def test_a_refusal_while_seats_are_certainly_free_is_violated(world, order):
    world.bought("k0", quantity=4)
    world.refused("turned-away", quantity=4, at_s=1)
    world.bought("k1", quantity=4, at_s=2)
    finding = world.judge("no_false_refusal", order)
    assert finding.verdict is Verdict.VIOLATED
    assert finding.examples == ("op-1",)
    assert "asked for 4 of at least 6" in finding.reason


def test_the_very_last_seats_may_not_be_refused_either(world):
    world.bought("k0", quantity=4)
    world.bought("k1", quantity=4)
    world.refused("pair", quantity=2, at_s=1)
    assert world.judge("no_false_refusal").verdict is Verdict.VIOLATED


def test_more_seats_than_are_free_may_be_refused(world):
    world.bought("k0", quantity=4)
    world.bought("k1", quantity=4)
    world.refused("four", quantity=4, at_s=1)
    assert world.judge("no_false_refusal").verdict is Verdict.HELD


def test_an_ask_without_an_answer_may_have_taken_the_seats(world):
    world.ask("unsure", Outcome.INFO, quantity=10)
    world.refused("late", at_s=1)
    assert world.judge("no_false_refusal").verdict is Verdict.HELD


def test_an_ask_sent_after_the_answer_took_nothing_before_it(world):
    world.refused("early", at_s=1)
    world.ask("later", Outcome.INFO, quantity=10, at_s=1.2)
    assert world.judge("no_false_refusal").verdict is Verdict.VIOLATED


def test_an_ask_sent_while_the_refusal_was_under_way_may_have_been_first(world):
    world.refused("slow", at_s=1)
    world.ask("overtaking", Outcome.INFO, quantity=10, at_s=1.05)
    assert world.judge("no_false_refusal").verdict is Verdict.HELD


def test_asks_that_certainly_took_nothing_do_not_excuse_a_refusal(world):
    world.refused("first", quantity=4)
    world.ask("nobody-there", Outcome.FAIL, quantity=10, status=0)
    world.refused("second", quantity=4, at_s=1)
    assert world.judge("no_false_refusal").figures == {"refusals": 2, "false_refusals": 2, "accepted": 0}


def test_a_double_click_with_one_order_takes_its_seats_once(world):
    for attempt in (1, 2):
        world.ask("twice", Outcome.OK, quantity=4, order="o", status=202, attempt=attempt, main=attempt == 1)
    world.refused("third", quantity=4, at_s=1)
    assert world.judge("no_false_refusal").verdict is Verdict.VIOLATED


def test_a_double_click_with_two_orders_takes_them_twice(world):
    for attempt in (1, 2):
        world.ask("twice", Outcome.OK, quantity=4, order=f"o{attempt}", status=202, attempt=attempt, main=attempt == 1)
    world.refused("third", quantity=4, at_s=1)
    assert world.judge("no_false_refusal").verdict is Verdict.HELD


def test_acceptances_without_a_refusal_are_held(world):
    world.bought("a")
    assert world.judge("no_false_refusal").measured == "1 accepted, nobody refused"


def test_no_answer_at_all_is_inconclusive(world):
    world.ask("a", Outcome.INFO)
    assert world.judge("no_false_refusal").verdict is Verdict.INCONCLUSIVE


def test_a_gap_in_the_history_is_inconclusive(world):
    world.refused("early")
    world.history_complete = False
    finding = world.judge("no_false_refusal")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "the history has gaps" in finding.reason


def test_what_was_refused_is_refused_though_the_world_still_moves(world):
    world.bought("k", quantity=10)
    world.refused("late", at_s=1)
    world.state.settled = False
    assert world.judge("no_false_refusal").verdict is Verdict.HELD
