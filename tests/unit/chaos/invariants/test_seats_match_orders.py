import msgspec

from chaos.model.evidence import SeatsShown
from chaos.model.verdict import Verdict


def sold(world, seats):
    world.state.tiers = [msgspec.structs.replace(world.state.tiers[0], sold=seats)]


def test_a_counter_that_lost_an_update_is_violated(world):
    world.bought("a", quantity=2)
    world.bought("b", status="pending")
    sold(world, 2)
    finding = world.judge("seats_match_orders")
    assert finding.verdict is Verdict.VIOLATED
    assert (finding.measured, finding.where) == ("sold says 2, live orders hold 3 seats", "tier 1 (gig)")
    assert finding.examples == ("tier 1: -1",)


def test_a_counter_that_gave_seats_back_twice_is_violated(world):
    world.bought("a", quantity=2)
    world.bought("b", status="cancelled", quantity=2)
    sold(world, 0)
    assert world.judge("seats_match_orders").verdict is Verdict.VIOLATED


def test_live_orders_and_only_they_are_counted(world):
    world.bought("a", quantity=2)
    world.bought("b", status="pending")
    world.bought("c", status="refused", quantity=4)
    sold(world, 3)
    assert world.judge("seats_match_orders").verdict is Verdict.HELD


def test_it_is_inconclusive_without_an_order_and_while_the_world_moves(world):
    assert world.judge("seats_match_orders").verdict is Verdict.INCONCLUSIVE
    world.bought("a")
    world.state.settled = False
    assert world.judge("seats_match_orders").verdict is Verdict.INCONCLUSIVE
    sold(world, 1)
    assert world.judge("seats_match_orders").verdict is Verdict.INCONCLUSIVE


def shown(world, remaining):
    world.state.seats_shown = [SeatsShown(tier_id=1, http_status=200, remaining=remaining)]


def test_a_counter_that_only_pages_show_is_held_against_orders(world):
    """The view counts the orders, while what is sold goes by another number, which gave seats back twice."""
    world.bought("a", quantity=2)
    world.bought("b", status="cancelled", quantity=2)
    sold(world, 2)
    shown(world, 10)
    finding = world.judge("seats_match_orders")
    assert (finding.verdict, finding.examples) == (Verdict.VIOLATED, ("tier 1: -2",))
    assert finding.measured == "its page shows as taken 0, live orders hold 2 seats"


def test_a_page_that_shows_what_orders_hold_is_held(world):
    world.bought("a", quantity=2)
    sold(world, 2)
    shown(world, 8)
    assert world.judge("seats_match_orders").verdict is Verdict.HELD


def test_a_page_without_a_number_is_not_judged_here(world):
    world.bought("a", quantity=2)
    sold(world, 2)
    shown(world, None)
    assert world.judge("seats_match_orders").verdict is Verdict.HELD
