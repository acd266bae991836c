from chaos.model.evidence import Ticket
from chaos.model.verdict import Verdict


def test_one_ticket_per_seat_is_held(world):
    world.bought("a", quantity=2)
    world.bought("b", status="refused")
    finding = world.judge("tickets_exactly_once")
    assert (finding.verdict, finding.measured) == (Verdict.HELD, "2 tickets for 1 paid orders")


def test_a_ticket_too_many_or_of_no_paid_order_is_violated(world):
    for order in (world.bought("a", quantity=2), world.bought("b", status="cancelled"), "nobody"):
        world.state.tickets.append(Ticket(ticket_id=f"x-{order}", order_id=order, tier_id=1))
    finding = world.judge("tickets_exactly_once")
    assert finding.verdict is Verdict.VIOLATED
    assert finding.examples == ("nobody", "order-a", "order-b")


def test_a_missing_ticket_is_violated_once_the_world_has_settled(world):
    world.bought("a", quantity=2)
    world.state.tickets.pop()
    assert world.judge("tickets_exactly_once").verdict is Verdict.VIOLATED
    world.state.settled = False
    assert world.judge("tickets_exactly_once").verdict is Verdict.INCONCLUSIVE


def test_a_ticket_of_a_pending_order_is_violated_once_the_world_has_settled(world):
    world.bought("a")
    order = world.bought("b", status="pending")
    world.state.tickets.append(Ticket(ticket_id="early", order_id=order, tier_id=1))
    assert world.judge("tickets_exactly_once").verdict is Verdict.VIOLATED
    world.state.settled = False
    assert world.judge("tickets_exactly_once").verdict is Verdict.INCONCLUSIVE
    world.state.tickets.append(Ticket(ticket_id="one too many", order_id=order, tier_id=1))
    assert world.judge("tickets_exactly_once").verdict is Verdict.VIOLATED


def test_without_a_paid_order_it_is_inconclusive(world):
    world.bought("a", status="pending")
    assert world.judge("tickets_exactly_once").verdict is Verdict.INCONCLUSIVE
