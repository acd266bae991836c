import msgspec
import pytest

from chaos.model.span import Span
from chaos.model.verdict import Verdict
from chaos.model.world import SeededCustomer


def told(world, key, times=1, **more):
    order = world.bought(key, **more)
    for n in range(times):
        world.mail(order, at_s=1.5 + n)
    return order


def cut(world, order, at_s, **more):
    """A mail whose client was gone before it showed to have read the answer."""
    world.mail(order, at_s=at_s, acknowledged=False, **more)


def test_one_mail_for_each_paid_order_is_held(world):
    told(world, "a")
    told(world, "b", times=0, status="refused")
    finding = world.judge("told_once")
    assert (finding.verdict, finding.measured) == (Verdict.HELD, "1 mails for 1 paid orders")


@pytest.mark.parametrize(("times", "verdict"), [(0, Verdict.HELD), (1, Verdict.HELD), (2, Verdict.VIOLATED)])
def test_a_cancelled_order_may_have_been_told_of_before(world, times, verdict):
    told(world, "good")
    order = told(world, "c", times=times, status="cancelled")
    world.charge(order)
    assert world.judge("told_once").verdict is verdict


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"times": 2}, "1 orders were told of more than once"),
        ({"times": 0}, "1 paid orders, and nobody was told"),
        ({"status": "refused"}, "1 mails are about orders that were not paid"),
        ({"status": "pending"}, "1 mails are about orders that were not paid"),
    ],
)
def test_too_many_too_few_or_unfounded_is_violated(world, how, reason):
    told(world, "good")
    order = told(world, "a", **how)
    finding = world.judge("told_once")
    assert (finding.verdict, finding.reason, finding.examples) == (Verdict.VIOLATED, reason, (order,))


def test_what_the_shop_says_of_its_mails_is_not_asked(world):
    """A row that claims a confirmation is no proof of a mail."""
    told(world, "good")
    world.effect(told(world, "a", times=0))
    finding = world.judge("told_once")
    assert finding.verdict is Verdict.VIOLATED
    assert (finding.figures["told_never"], finding.figures["told_claimed"]) == (1, 1)


def test_a_mail_that_the_shop_claims_is_missed_whatever_became_of_its_order(world):
    told(world, "good")
    world.effect(told(world, "a", times=0, status="cancelled"))
    finding = world.judge("told_once")
    assert finding.reason == "1 customers were told, says lab_side_effects, and no mail arrived"


def test_a_mail_about_an_unknown_order_is_violated(world):
    told(world, "good")
    world.mail("order-of-nobody")
    assert world.judge("told_once").figures["told_unfounded"] == 1


def test_a_mail_about_an_order_that_was_never_charged_is_violated(world):
    told(world, "good")
    order = told(world, "a")
    world.state.charges = [charge for charge in world.state.charges if charge.order_id != order]
    assert world.judge("told_once").figures["told_unfounded"] == 1


def test_a_mail_before_the_charge_is_violated(world):
    order = world.bought("a")
    world.mail(order, at_s=0.9)  # the charge is captured after one second
    finding = world.judge("told_once")
    assert (finding.verdict, finding.figures["told_early"]) == (Verdict.VIOLATED, 1)


def test_an_order_that_a_client_saw_paid_has_to_be_told_of_whatever_the_view_says(world):
    told(world, "good")
    order = world.bought("a", status="pending")
    world.asked("poll", order, "paid")
    assert world.judge("told_once").figures["told_never"] == 1


def test_a_mail_without_an_order_s_id_is_violated(world):
    told(world, "good")
    world.mail("", message_id="<stray@shop>")
    finding = world.judge("told_once")
    assert (finding.verdict, finding.reason) == (Verdict.VIOLATED, "1 mails name no order")


@pytest.mark.parametrize("to", [["ada@example.org", "eve@example.org"], ["Other@example.org"]])
def test_a_mail_that_goes_to_others_is_violated(world, to):
    told(world, "good")
    world.order("order-x", "x", "paid", customer_id=2)
    world.charge("order-x")
    world.mail("order-x", rcpt_tos=["other@example.org"])
    assert world.judge("told_once").verdict is Verdict.HELD
    order = world.bought("a")
    world.mail(order, rcpt_tos=to)
    finding = world.judge("told_once")
    assert finding.verdict is Verdict.VIOLATED
    assert finding.figures["told_astray"] >= 1
    assert order in finding.examples


@pytest.mark.parametrize("on", ["shop_to_mail", "relay", "worker"])
def test_a_copy_after_a_connection_that_a_fault_cut_is_excused(world, on):
    world.faults = [Span(name=on, start_s=2.0, end_s=6.0)]
    order = world.bought("a")
    cut(world, order, at_s=2.5)
    cut(world, order, at_s=4.0)
    world.mail(order, at_s=7.0)
    finding = world.judge("told_once")
    assert (finding.verdict, finding.figures["copies_excused"]) == (Verdict.HELD, 2)
    assert "2 of them copies after a connection that a fault cut" in finding.measured


@pytest.mark.parametrize(("at_s", "verdict"), [(2.5, Verdict.HELD), (8.5, Verdict.VIOLATED)])
def test_a_copy_of_a_mail_that_was_sent_while_the_database_was_cut_off(world, at_s, verdict):
    world.faults = [Span(name="shop_to_postgres", start_s=2.0, end_s=6.0)]
    order = world.bought("a")
    world.mail(order, at_s=at_s)
    world.mail(order, at_s=32.0)
    assert world.judge("told_once").verdict is verdict


@pytest.mark.parametrize(
    ("fault", "first", "second"),
    [
        ([], {}, {}),  # nothing was broken
        ([Span(name="shop_to_gateway", start_s=2.0, end_s=6.0)], {}, {}),  # something else was
        ([Span(name="shop_to_mail", start_s=20.0, end_s=26.0)], {}, {}),  # at another time
        ([Span(name="shop_to_mail", start_s=2.0, end_s=6.0)], {"acknowledged": True}, {}),  # the answer was read
        ([Span(name="shop_to_mail", start_s=2.0, end_s=6.0)], {}, {"message_id": "<new@shop>"}),  # another mail
        ([Span(name="shop_to_mail", start_s=2.0, end_s=6.0)], {"message_id": ""}, {"message_id": ""}),
    ],
)
def test_any_other_copy_counts(world, fault, first, second):
    world.faults = fault
    order = world.bought("a")
    world.mail(order, at_s=2.5, **{"acknowledged": False, **first})
    world.mail(order, at_s=4.0, **second)
    finding = world.judge("told_once")
    assert (finding.verdict, finding.figures["told_twice"]) == (Verdict.VIOLATED, 1)


def test_a_connection_that_never_ended_was_open_during_the_fault(world):
    world.faults = [Span(name="shop_to_mail", start_s=8.0, end_s=9.0)]
    order = world.bought("a")
    cut(world, order, at_s=2.5, closed_unix_s=None)
    world.mail(order, at_s=10.0)
    assert world.judge("told_once").verdict is Verdict.HELD


def test_later_is_fine_and_while_it_may_still_come_it_is_inconclusive(world):
    told(world, "good")
    told(world, "a", times=0)
    world.state.settled = world.state.healthy = False
    assert world.judge("told_once").verdict is Verdict.INCONCLUSIVE
    world.state.healthy = True  # the promised time is over on a healthy stack
    assert world.judge("told_once").verdict is Verdict.VIOLATED


def test_a_mail_about_a_pending_order_is_violated_only_when_settled(world):
    told(world, "good")
    world.charge(told(world, "a", status="pending"))
    assert world.judge("told_once").verdict is Verdict.VIOLATED
    world.state.settled = world.state.healthy = False
    assert world.judge("told_once").verdict is Verdict.INCONCLUSIVE


def test_without_a_paid_order_it_is_inconclusive(world):
    world.bought("a", status="pending")
    assert world.judge("told_once").verdict is Verdict.INCONCLUSIVE


def test_it_points_at_the_order(world):
    told(world, "good")
    order = told(world, "a", times=2)
    proof = world.judge("told_once").counterexample
    assert (proof.orders, proof.says) == ((order,), "the customer was told more than once")


@pytest.mark.parametrize(("to", "verdict"), [("Ada@example.org", Verdict.HELD), ("nobody-1@x.org", Verdict.VIOLATED)])
def test_a_mail_to_an_address_that_the_customer_was_not_seeded_with_is_violated(world, to, verdict):
    ada = SeededCustomer(id=1, email="ada@example.org")
    world.seeded = msgspec.structs.replace(world.seeded, customers=(ada,))
    order = world.bought("a")
    world.mail(order, rcpt_tos=[to])
    finding = world.judge("told_once")
    assert (finding.verdict, finding.figures["told_astray"]) == (verdict, int(verdict is Verdict.VIOLATED))
