from chaos.model.verdict import Verdict


def test_the_present_status_is_held(world):
    order = world.bought("a")  # final at 1 s
    world.asked("poll", order, "pending", at_s=0.5)
    world.asked("poll", order, "paid", at_s=5.0)
    finding = world.judge("status_is_current")
    assert (finding.verdict, finding.figures["polls_late"]) == (Verdict.HELD, 1)


def test_an_old_status_is_violated(world):
    world.asked("poll", world.bought("a"), "pending", at_s=5.0)
    finding = world.judge("status_is_current")
    assert (finding.verdict, finding.examples) == (Verdict.VIOLATED, ("op-1",))


def test_a_poll_right_after_the_change_proves_nothing(world):
    world.asked("poll", world.bought("a"), "pending", at_s=1.9)
    assert world.judge("status_is_current").verdict is Verdict.INCONCLUSIVE
    assert world.judge("status_is_current", after="500ms").verdict is Verdict.VIOLATED


def test_an_order_that_is_pending_in_the_end_says_nothing(world):
    world.asked("poll", world.bought("a", status="pending"), "pending", at_s=9.0)
    assert world.judge("status_is_current").verdict is Verdict.INCONCLUSIVE
