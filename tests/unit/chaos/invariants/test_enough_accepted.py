from chaos.model.history import Outcome
from chaos.model.verdict import Verdict
from tests.unit.chaos.invariants.conftest import World

CHECK = "enough_accepted"


def served(accepted: int, failed: int, *, capacity: int = 100, **more) -> World:
    world = World(capacity=capacity)
    for number in range(accepted):
        world.bought(f"a{number}", at_s=number * 0.2, **more)
    for number in range(failed):
        world.ask(f"f{number}", Outcome.INFO, at_s=number * 0.2, status=503, **more)
    return world


def test_enough_is_held():
    finding = served(9, 1).judge(CHECK, at_least="90%")
    assert (finding.verdict, finding.measured) == (Verdict.HELD, "9 of 10 asks that had room accepted")


def test_too_few_is_violated_and_about_success():
    finding = served(8, 2).judge(CHECK, at_least="90%")
    assert (finding.verdict, finding.exact) == (Verdict.VIOLATED, False)
    assert finding.counterexample.operations


def test_sold_out_for_everybody_is_violated():
    """12 orders, then "sold out" with all but 12 seats free: an answer that counts as served elsewhere."""
    world = served(12, 0)
    for number in range(30):
        world.refused(f"r{number}", at_s=9.0)
    finding = world.judge(CHECK, at_least="90%")
    assert (finding.verdict, finding.figures["had_room"]) == (Verdict.VIOLATED, 42)
    assert world.judge("no_false_refusal").verdict is Verdict.VIOLATED


def test_what_a_tier_had_no_room_for_does_not_count():
    world = served(12, 0, capacity=12)
    for number in range(30):
        world.refused(f"r{number}", at_s=9.0)
    assert world.judge(CHECK, at_least="100%").verdict is Verdict.HELD


def test_other_phases_do_not_count():
    world = served(10, 0, phase="calm")
    for number in range(10):
        world.ask(f"g{number}", Outcome.INFO, status=503, phase="spike")
    assert world.judge(CHECK, at_least="100%", phases=["calm"]).verdict is Verdict.HELD
    assert world.judge(CHECK, at_least="100%").verdict is Verdict.VIOLATED


def test_second_tries_do_not_count():
    world = served(10, 0)
    for number in range(5):
        world.ask(f"a{number}", Outcome.INFO, status=503, attempt=2)
    assert world.judge(CHECK, at_least="100%").verdict is Verdict.HELD


def test_few_asks_are_inconclusive():
    assert served(9, 0).judge(CHECK).verdict is Verdict.INCONCLUSIVE
