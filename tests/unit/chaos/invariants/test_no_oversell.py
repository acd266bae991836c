import msgspec

from chaos.model.evidence import Ticket
from chaos.model.verdict import Verdict
from chaos.model.world import SeededWorld


def test_as_many_seats_as_there_are_is_held(world):
    for number in range(5):
        world.bought(f"k{number}", quantity=2)
    finding = world.judge("no_oversell")
    assert finding.verdict is Verdict.HELD
    assert finding.figures == {"seats_taken": 10, "capacity": 10, "accepted": 5}


def test_one_seat_too_many_is_violated_and_names_the_order_that_came_too_late(world):
    for number in range(5):
        world.bought(f"k{number}", quantity=2)
    world.bought("late", status="pending")
    world.state.orders[-1] = world.state.orders[-1].__class__(
        **{f: getattr(world.state.orders[-1], f) for f in world.state.orders[-1].__struct_fields__}
        | {"created_unix_s": 2_000_000.0}
    )
    finding = world.judge("no_oversell")
    assert finding.verdict is Verdict.VIOLATED
    assert finding.exact
    assert finding.measured == "11 of 10 seats taken"
    assert finding.where == "tier 1 (gig)"
    assert finding.examples == ("order-late",)


def test_tickets_beyond_their_order_admit_people_too(world):
    world.bought("k", quantity=2)
    world.state.tickets += [Ticket(ticket_id=f"x{n}", order_id="order-k", tier_id=1) for n in range(9)]
    assert world.judge("no_oversell").measured == "11 of 10 seats taken"


def test_tickets_of_a_refused_order_count(world):
    world.bought("k", quantity=4)
    world.bought("r", status="refused", quantity=4)
    world.state.tickets += [Ticket(ticket_id=f"x{n}", order_id="order-r", tier_id=1) for n in range(7)]
    assert world.judge("no_oversell").verdict is Verdict.VIOLATED


def test_refused_and_cancelled_orders_take_no_seat(world):
    world.bought("k", quantity=4)
    for number in range(5):
        world.bought(f"r{number}", quantity=4, status=("refused", "cancelled")[number % 2])
    assert world.judge("no_oversell").verdict is Verdict.HELD


def test_the_accused_own_counter_is_not_asked(world):
    """A lost update: `sold` says 3, eleven seats are gone."""
    for number in range(11):
        world.bought(f"k{number}")
    assert world.state.tiers[0].sold == 0
    assert world.judge("no_oversell").verdict is Verdict.VIOLATED


def test_a_capacity_that_grows_with_the_orders_is_not_believed(world):
    """The view says 11 of 11; the seeded world has ten seats."""
    world.state.tiers = [msgspec.structs.replace(world.state.tiers[0], capacity=11)]
    for number in range(11):
        world.bought(f"k{number}")
    finding = world.judge("no_oversell")
    assert (finding.verdict, finding.figures["capacity"]) == (Verdict.VIOLATED, 10)


def test_without_an_accepted_order_it_is_inconclusive(world):
    world.refused("k")
    finding = world.judge("no_oversell")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "no order was accepted" in finding.reason


def test_orders_on_an_unknown_tier_are_inconclusive(world):
    world.bought("k")
    world.seeded = SeededWorld(events=(), tiers=())
    assert "tiers that were never seeded: 1" in world.judge("no_oversell").reason


def test_held_needs_a_settled_world(world):
    world.bought("k")
    world.state.settled = False
    finding = world.judge("no_oversell")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "had not settled after 3 s" in finding.reason
    assert finding.so_far == finding.measured == "1 of 10 seats taken in the fullest tier, 1"
    assert finding.why.startswith(
        "nothing wrong so far (1 of 10 seats taken in the fullest tier, 1), undecided because"
    )
