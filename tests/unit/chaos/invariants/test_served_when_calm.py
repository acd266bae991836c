import pytest

from chaos.model.history import Outcome
from chaos.model.verdict import Verdict


def test_some_accepted_and_charged_is_held(world):
    world.bought("a", phase="calm")
    for number in range(4):
        world.refused(f"r{number}", phase="calm")
    finding = world.judge("served_when_calm")
    assert (finding.verdict, finding.measured) == (
        Verdict.HELD,
        "1 of 5 asks accepted, 1 of 1 charged, 1 of 1 paid ones with tickets",
    )


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"outcome": Outcome.FAIL, "status": 403, "reason": "forbidden"}, id="denies everybody"),
        pytest.param({"outcome": Outcome.INFO, "status": 503}, id="always 503"),
        pytest.param(
            {"outcome": Outcome.FAIL, "status": 409, "refused": True, "reason": "sold_out"}, id="sells nothing"
        ),
    ],
)
def test_no_accepted_ask_is_violated(world, answer):
    for number in range(5):
        world.ask(f"k{number}", phase="calm", **answer)
    finding = world.judge("served_when_calm")
    assert (finding.verdict, finding.where) == (Verdict.VIOLATED, "calm")
    world.busy = {"calm": "the machine was saturated"}
    excused = answer["outcome"] is not Outcome.FAIL
    assert world.judge("served_when_calm").verdict is (Verdict.INCONCLUSIVE if excused else Verdict.VIOLATED)


def test_accepted_and_never_charged_is_violated_when_the_stack_is_healthy(world):
    for number in range(5):
        world.bought(f"k{number}", status="pending", phase="calm")
    assert world.judge("served_when_calm").verdict is Verdict.VIOLATED
    world.state.healthy = False
    assert world.judge("served_when_calm").verdict is Verdict.INCONCLUSIVE


def test_the_spike_does_not_count_nor_do_second_clicks(world):
    for number in range(9):
        world.refused(f"k{number}")
        world.refused("k", phase="calm", attempt=2)
    assert world.judge("served_when_calm").verdict is Verdict.INCONCLUSIVE


def test_what_no_tier_has_room_for_proves_nothing(world):
    for number in range(9):
        world.refused(f"k{number}", phase="calm", quantity=11)
    assert world.judge("served_when_calm").verdict is Verdict.INCONCLUSIVE


def test_too_few_asks_are_inconclusive(world):
    for number in range(4):
        world.refused(f"k{number}", phase="calm")
    finding = world.judge("served_when_calm")
    assert (finding.verdict, finding.reason) == (
        Verdict.INCONCLUSIVE,
        "4 asks in calm are too few to tell, expected 5",
    )


def test_accepted_and_mostly_refused_later_is_violated(world):
    for number in range(5):
        world.bought(f"k{number}", status="paid" if number < 2 else "refused", phase="calm")
    finding = world.judge("served_when_calm")
    assert (finding.verdict, finding.reason) == (
        Verdict.VIOLATED,
        "3 of 5 orders that were accepted without any fault were never charged",
    )


def test_an_order_that_its_customer_cancelled_need_not_be_charged(world):
    for number in range(5):
        world.bought(f"k{number}", status="paid" if number < 1 else "cancelled", phase="calm")
    assert world.judge("served_when_calm").verdict is Verdict.HELD


def test_paid_orders_without_tickets_are_violated(world):
    for number in range(5):
        world.bought(f"k{number}", phase="calm")
    del world.state.tickets[2:]
    finding = world.judge("served_when_calm")
    assert (finding.verdict, finding.reason) == (
        Verdict.VIOLATED,
        "3 of 5 orders that were accepted without any fault were never given a ticket",
    )
    world.state.healthy = False
    assert world.judge("served_when_calm").verdict is Verdict.INCONCLUSIVE
