import msgspec
import pytest

from chaos.model.evidence import PendingView, SeatsShown, Shown
from chaos.model.verdict import Verdict
from tests.unit.chaos.invariants.conftest import World

CHECK = "views_tell_the_truth"


@pytest.fixture
def world(world):
    """Two paid orders of one and two seats, shown as they are."""
    for key, quantity in (("a", 1), ("b", 2)):
        world.bought(key, quantity=quantity)
        show(world, key, quantity)
    world.state.pending = [PendingView(pending_orders=0, unsent_outbox=0)]
    return world


def show(world, key, quantity=1, status="paid", *, tickets=None, seen=None) -> None:
    shown = Shown(
        order_id=f"order-{key}",
        http_status=200,
        order_status=status,
        seen=seen or f"1/{quantity}/{100 * quantity}/{key}",
        tickets=quantity if tickets is None else tickets,
    )
    world.state.shown.append(shown)


def untrue(world, kind: str) -> str:
    finding = world.judge(CHECK)
    assert finding.verdict is Verdict.VIOLATED
    assert finding.figures[f"untrue_{kind}"]
    return finding.reason


def test_views_that_say_what_was_shown_are_held(world):
    finding = world.judge(CHECK)
    assert (finding.verdict, finding.figures["orders_looked_at"]) == (Verdict.HELD, 2)


def left(world, remaining, *, http_status=200) -> None:
    """The world's only tier has ten seats; *sold* of its view is 0 unless told."""
    world.state.seats_shown = [SeatsShown(tier_id=1, http_status=http_status, remaining=remaining)]


@pytest.mark.parametrize("remaining", [9, 11, None])
def test_a_page_with_other_seats_left_than_the_view_is_violated(world, remaining):
    left(world, remaining)
    assert f"anybody was shown {remaining} seats left of tier 1, lab_tiers says 10" in untrue(world, "left")


def test_a_page_that_shows_what_the_view_has_left_is_held(world):
    left(world, 10)
    assert world.judge(CHECK).verdict is Verdict.HELD


def test_what_pages_show_before_the_world_has_settled_claims_nothing(world):
    left(world, 9)
    world.state.settled = False
    assert world.judge(CHECK).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("http_status", [0, 404, 503])
def test_no_page_of_an_event_is_no_data(world, http_status):
    left(world, None, http_status=http_status)
    assert world.judge(CHECK).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("change", [{"capacity": 11}, {"price_cents": 99}, {"event_slug": "rave"}])
def test_a_tier_that_was_seeded_otherwise_is_violated(world, change):
    world.state.tiers = [msgspec.structs.replace(world.state.tiers[0], **change)]
    assert "1 tiers are not as they were seeded" in untrue(world, "tiers")


def test_a_tier_that_is_left_out_is_violated(world):
    world.state.tiers = []
    assert "lab_tiers says None" in untrue(world, "tiers")


def test_a_tier_that_was_never_seeded_is_violated(world):
    world.state.tiers.append(msgspec.structs.replace(world.state.tiers[0], tier_id=2))
    assert untrue(world, "tiers")


def test_an_order_that_was_charged_and_is_left_out_is_violated(world):
    world.charge("order-c")
    assert "the gateway was asked to charge order order-c, and lab_orders does not have it" in untrue(world, "hidden")


def test_an_order_that_was_refused_and_is_left_out_is_violated(world):
    world.call("order-c", status=402)
    assert untrue(world, "hidden")


def test_an_order_that_is_shown_and_left_out_is_violated(world):
    world.ask("c", "ok", order="order-c")
    show(world, "c", status="refused", tickets=0)
    assert untrue(world, "hidden")


def test_an_order_that_is_hidden_counts_once(world):
    world.ask("c", "ok", order="order-c")
    world.call("order-c", status=402)
    show(world, "c", status="refused", tickets=0)
    assert world.judge(CHECK).figures["untrue_hidden"] == 1


def test_another_status_than_the_customer_sees_is_violated(world):
    world.bought("c", status="refused")
    show(world, "c", status="pending", tickets=0)
    reason = untrue(world, "shown")
    assert "its customer was shown pending 1/1/100/c, lab_orders says refused 1/1/100/c" in reason


def test_other_seats_than_the_customer_sees_are_violated(world):
    world.bought("c")
    show(world, "c", seen="1/2/200/c")
    assert untrue(world, "shown")


def test_a_ticket_that_is_left_out_is_violated(world):
    world.bought("c")
    show(world, "c", tickets=2)
    assert "its customer was shown 2 tickets, lab_tickets has 1" in untrue(world, "tickets")


def test_an_order_that_does_not_exist_for_its_customer_is_violated(world):
    world.bought("c")
    world.state.shown.append(Shown(order_id="order-c", http_status=404))
    assert untrue(world, "denied")


@pytest.mark.parametrize("status", [0, 401, 503])
def test_an_answer_other_than_200_and_404_violates_nothing(world, status):
    world.bought("c")
    world.state.shown.append(Shown(order_id="order-c", http_status=status))
    assert world.judge(CHECK).verdict is Verdict.HELD


def test_pending_orders_that_are_not_counted_are_violated(world):
    world.bought("c", status="pending")
    show(world, "c", status="pending", tickets=0)
    assert "lab_orders has 1 pending orders, lab_pending counted 0" in untrue(world, "pending")


def test_a_paid_order_without_a_charge_is_violated(world):
    world.order("order-c", "c")
    assert untrue(world, "paid")


def test_while_the_world_moves_it_is_inconclusive(world):
    world.state.settled = False
    show(world, "c", status="pending")  # moved on since
    assert world.judge(CHECK).verdict is Verdict.INCONCLUSIVE


def test_without_a_look_at_any_accepted_order_it_is_inconclusive(world):
    world.state.shown = []
    assert world.judge(CHECK).verdict is Verdict.INCONCLUSIVE


def test_without_orders_the_tiers_are_enough():
    assert World().judge(CHECK).verdict is Verdict.HELD


def test_a_confirmation_that_never_arrived_is_violated(world):
    world.effect("order-a")
    world.mail("order-a")
    assert world.judge(CHECK).verdict is Verdict.HELD
    world.effect("order-b")
    assert "lab_side_effects has a confirmation of order order-b, and no mail arrived" in untrue(world, "told")
