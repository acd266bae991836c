import msgspec
import pytest

from chaos.model.history import Outcome
from chaos.model.span import Span
from chaos.model.verdict import Verdict
from chaos.model.world import SeededWorld, TierSeen

CHECK = "answers_match_the_world"


def wrong(world) -> str:
    finding = world.judge(CHECK)
    assert finding.verdict is Verdict.VIOLATED
    assert finding.counterexample.operations
    return finding.reason


def test_pages_that_show_the_world_are_held(world):
    world.looked(0)
    world.bought("a", quantity=2, at_s=1.0)
    world.looked(2, at_s=2.0)
    world.looked(2, at_s=2.0, about="gig")
    finding = world.judge(CHECK)
    assert (finding.verdict, finding.figures["answers"]) == (Verdict.HELD, 3)


def test_the_order_of_the_history_decides_nothing(world):
    for number in range(8):
        world.bought(f"k{number}", at_s=number * 3.0)
        world.looked(0, at_s=number * 3.0 + 1)
    forwards = world.judge(CHECK)
    backwards = world.judge(CHECK, order=lambda operations: operations[::-1])
    assert (forwards.verdict, forwards.figures) == (backwards.verdict, backwards.figures)


def test_a_body_that_is_no_page_is_violated(world):
    """`{"results": [0]}`, an empty list, whatever: 200, and not what it promises."""
    world.looked(0)
    world.asked("browse", "", outcome=Outcome.INFO, status=200, reason="bad_body")
    assert "browse was answered 200 with a body that is not what it promises" in wrong(world)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("title", "C with D", "gig was shown with title 'C with D', seeded was 'A with B'"),
        ("starts", "2026-12-25T19:00:00Z", "with starts"),
        ("venue", "Dome", "with venue"),
        ("performers", ("A",), "with performers"),
        ("tiers", (TierSeen(1, "Floor", 100, 20),), "with tiers"),
        ("tiers", (TierSeen(1, "Floor", 90, 10),), "with tiers"),
        ("slug", "rave", "a page showed 'rave', which does not exist"),
    ],
)
def test_a_page_that_differs_from_the_seeded_world_is_violated(world, field, value, said):
    (event,) = world.seeded.by_slug.values()
    world.looked(0, page=(msgspec.structs.replace(event, **{field: value}),))
    assert said in wrong(world)


def test_the_page_of_another_event_is_violated(world):
    other = msgspec.structs.replace(world.seeded.events[0], event_id=2, slug="rave")
    world.seeded = msgspec.structs.replace(world.seeded, events=(*world.seeded.events, other))
    world.looked(0, page=(world.seeded.by_slug["gig"],), about="rave")
    assert wrong(world).endswith("the page of rave showed gig")


def test_a_list_that_leaves_events_out_is_violated(world):
    other = msgspec.structs.replace(world.seeded.events[0], event_id=2, slug="rave")
    world.seeded = msgspec.structs.replace(world.seeded, events=(*world.seeded.events, other))
    world.looked(0, page=(world.seeded.by_slug["gig"],))
    assert "the list showed 1 different events of 2" in wrong(world)


def test_of_many_events_a_page_shows_at_least_twenty(world):
    (event,) = world.seeded.events
    many = tuple(msgspec.structs.replace(event, event_id=n, slug=f"gig-{n}") for n in range(60))
    (tier,) = world.seeded.tiers
    tiers = tuple(msgspec.structs.replace(tier, tier_id=n, event_slug=f"gig-{n}") for n in range(60))
    world.seeded = SeededWorld(events=many, tiers=tiers)
    world.looked(0, page=tuple(world.seeded.by_slug.values())[:20])
    assert world.judge(CHECK).verdict is Verdict.HELD
    world.looked(0, page=tuple(world.seeded.by_slug.values())[:19])
    assert wrong(world)


def test_seats_that_are_shown_free_long_after_they_were_sold_are_violated(world):
    """A copy that never expires: all of it was true once."""
    world.bought("a", quantity=2, at_s=1.0)
    world.looked(0, at_s=11.0)
    assert world.judge(CHECK).verdict is Verdict.HELD, "ten seconds are no fault"
    world.looked(0, at_s=11.5)
    assert "tier 1 was shown with 0 seats taken, 2 at least were" in wrong(world)


def test_more_seats_shown_as_taken_than_were_asked_for_is_violated(world):
    world.bought("a", quantity=2, at_s=1.0)
    world.looked(10, at_s=2.0)
    assert "tier 1 was shown with 10 seats taken, 2 at most were" in wrong(world)


def test_an_ask_with_an_unknown_end_may_have_taken_its_seats(world):
    world.ask("a", Outcome.INFO, quantity=2, at_s=1.0)
    world.looked(2, at_s=2.0)
    world.looked(0, at_s=20.0)
    assert world.judge(CHECK).verdict is Verdict.HELD


def test_seats_that_came_back_are_not_held_against_it(world):
    world.bought("a", quantity=2, at_s=1.0, status="cancelled")
    world.looked(0, at_s=20.0)
    assert world.judge(CHECK).verdict is Verdict.HELD


def test_an_old_copy_shows_what_was_true_at_its_age(world):
    """While the database is away. Ten seconds before it was asked, two seats had gone."""
    world.faults = [Span(name="shop_to_postgres", start_s=5.0, end_s=40.0)]
    world.bought("a", quantity=2, at_s=1.0)
    world.bought("b", quantity=1, at_s=15.0)
    world.looked(2, at_s=30.0, age_s=25)
    assert world.judge(CHECK).verdict is Verdict.HELD
    world.looked(2, at_s=30.0, age_s=5)
    assert "3 at least were" in wrong(world)


def test_an_old_copy_without_need_is_violated(world):
    world.looked(0, at_s=30.0, age_s=11)
    assert "an answer was 11 s old while the database was well" in wrong(world)


def test_an_outage_of_something_else_is_no_excuse(world):
    world.faults = [Span(name="shop_to_gateway", start_s=0.0, end_s=40.0)]
    world.looked(0, at_s=30.0, age_s=11)
    assert wrong(world)


def test_old_copies_end_soon_after_the_database_is_back(world):
    world.faults = [Span(name="shop_to_postgres", start_s=5.0, end_s=25.0)]
    world.looked(0, at_s=29.9, age_s=20)
    assert world.judge(CHECK).verdict is Verdict.HELD
    world.looked(0, at_s=30.1, age_s=20)
    assert wrong(world)


def test_what_a_digest_stands_for_has_to_be_on_record(world):
    world.looked(0)
    world.pages.clear()
    assert world.judge(CHECK).verdict is Verdict.INCONCLUSIVE


def test_an_order_shows_what_was_asked_for(world):
    world.bought("a", quantity=2, seen="1/2/200/a")
    assert world.judge(CHECK).verdict is Verdict.HELD
    world.bought("b", quantity=1, seen="1/2/200/a")
    assert "an order of 1/1/100/b (tier/seats/cents/reference) was shown as 1/2/200/a" in wrong(world)


def test_an_order_is_shown_the_same_when_it_is_looked_at_later(world):
    world.bought("a", quantity=2, seen="1/2/200/a")
    world.asked("poll", "order-a", "paid", seen="1/2/200/a")
    assert world.judge(CHECK).verdict is Verdict.HELD
    world.asked("poll", "order-a", "paid", seen="1/1/100/a")
    assert "an order of 1/2/200/a (tier/seats/cents/reference) was shown as 1/1/100/a" in wrong(world)


def test_one_order_for_two_intents_is_violated(world):
    world.ask("a", Outcome.OK, order="o", seen="1/1/100/a")
    world.ask("b", Outcome.OK, order="o", seen="1/1/100/b")
    assert "order o was given to a and to b" in wrong(world)


def test_an_account_of_somebody_else_is_violated(world):
    world.asked("me", "", state="valid", customer=3, shown=3)
    assert world.judge(CHECK).verdict is Verdict.HELD
    world.asked("me", "", state="valid", customer=4, shown=3)
    assert "customer 4 was shown the account of 3" in wrong(world)


def test_what_a_forged_token_shows_is_not_its_business(world):
    world.looked(0)
    world.asked("forged", "", state="forged_role", customer=4, shown=3)
    assert world.judge(CHECK).verdict is Verdict.HELD


def test_of_the_access_matrix_only_right_answers_are_compared(world):
    """A bad token of another account: not the account shown is wrong, but that there is an answer."""
    world.looked(0)
    world.asked("matrix", "", status=200, state="matrix", expects="401", customer=4, shown=3)
    assert world.judge(CHECK).verdict is Verdict.HELD
    world.asked("matrix", "", status=200, state="matrix", expects="200", customer=4, shown=3)
    assert "customer 4 was shown the account of 3" in wrong(world)


def test_supports_list_grows(world):
    for number in range(4):
        world.bought(f"k{number}", at_s=number * 1.0, seen=f"1/1/100/k{number}")
    world.asked("support_list", "", at_s=20.0, seen="6 orders")
    assert world.judge(CHECK).verdict is Verdict.HELD
    world.asked("support_list", "", at_s=20.0, seen="2 orders")
    assert "support was shown 2 orders, there were 6 at least" in wrong(world)


def test_nothing_to_compare_is_inconclusive(world):
    world.ask("a", Outcome.INFO)
    assert world.judge(CHECK).verdict is Verdict.INCONCLUSIVE
