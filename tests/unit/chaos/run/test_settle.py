"""Settling ends when all is final, when nothing moves, or when the promise has run out."""

from __future__ import annotations

from chaos.ports import Pending
from chaos.run.settle import STILL_S, UNMOVED_S, settle
from tests.unit.chaos.fakes import NOTHING_PENDING, FakeClock, FakeWorld


def left(orders: int = 0, outbox: int = 0, queued: int = 0, unacked: int = 0, untold: int = 0) -> Pending:
    return Pending(orders=orders, outbox=outbox, queued=queued, unacked=unacked, untold=untold)


def never() -> bool:
    return False


def test_all_final_at_once() -> None:
    clock = FakeClock()
    result = settle(FakeWorld(), clock, until_unix_s=1030.0, stopped=never)
    assert (result.settled, result.settle_s, result.reason) == (True, 0.0, "every order is final")
    assert clock.slept == []


def test_all_final_after_a_while() -> None:
    world = FakeWorld([left(orders=3, queued=2), left(orders=1, unacked=1), NOTHING_PENDING])
    result = settle(world, FakeClock(), until_unix_s=1030.0, stopped=never)
    assert (result.settled, result.settle_s, result.pending) == (True, 1.0, NOTHING_PENDING)


def test_a_message_that_is_still_queued_is_not_final() -> None:
    """Every order may be final while a task is on its way that charges one of them a second time."""
    world = FakeWorld([left(queued=1), left(unacked=1), NOTHING_PENDING])
    assert settle(world, FakeClock(), until_unix_s=1030.0, stopped=never).settle_s == 1.0


def test_a_charged_order_whose_customer_was_not_told_is_not_final() -> None:
    """Whatever the shop says is left: its own view may know of no mail."""
    world = FakeWorld([left(untold=2), left(untold=1), NOTHING_PENDING])
    assert settle(world, FakeClock(), until_unix_s=1030.0, stopped=never).settle_s == 1.0


def test_a_mail_that_never_comes_ends_the_wait() -> None:
    result = settle(FakeWorld([left(untold=1)]), FakeClock(), until_unix_s=1030.0, stopped=never)
    assert (result.settled, result.reason, result.settle_s) == (True, "nothing can move any more", UNMOVED_S)


def test_nothing_moves() -> None:
    world = FakeWorld([left(orders=2, queued=1), left(orders=2)])
    result = settle(world, FakeClock(), until_unix_s=1030.0, stopped=never)
    assert (result.settled, result.reason) == (True, "nothing can move any more")
    assert result.settle_s == 0.5 + UNMOVED_S
    assert result.pending == left(orders=2)


def test_a_sweep_that_looks_every_ten_seconds_is_waited_for() -> None:
    world = FakeWorld([left(orders=1)] * 20 + [NOTHING_PENDING])
    result = settle(world, FakeClock(), until_unix_s=1014.0, stopped=never)
    assert (result.settled, result.reason, result.settle_s) == (True, "every order is final", 10.0)


def test_at_the_end_of_the_promised_time_a_shorter_rest_is_enough() -> None:
    result = settle(FakeWorld([left(orders=1)]), FakeClock(), until_unix_s=1000.0 + STILL_S, stopped=never)
    assert (result.settled, result.reason, result.settle_s) == (True, "nothing can move any more", STILL_S)
    shorter = settle(FakeWorld([left(orders=1)]), FakeClock(), until_unix_s=999.5 + STILL_S, stopped=never)
    assert (shorter.settled, shorter.settle_s) == (False, STILL_S - 0.5)


def test_slow_progress_is_no_rest() -> None:
    world = FakeWorld([left(orders=number) for number in range(40, 0, -1) for _ in range(10)] + [NOTHING_PENDING])
    result = settle(world, FakeClock(), until_unix_s=2000.0, stopped=never)
    assert (result.settled, result.reason) == (True, "every order is final")


def test_work_in_the_queues_is_no_rest() -> None:
    for pending in (left(orders=1, queued=1), left(orders=1, unacked=1), left(orders=1, outbox=1)):
        result = settle(FakeWorld([pending]), FakeClock(), until_unix_s=1030.0, stopped=never)
        assert (result.settled, result.reason, result.settle_s) == (False, "work is still pending", 30.0)


def test_a_missing_witness_does_not_count_as_settled() -> None:
    result = settle(FakeWorld(["postgres: gone"]), FakeClock(), until_unix_s=1030.0, stopped=never)
    assert (result.settled, result.reason, result.pending) == (False, "postgres: gone", None)
    assert result.settle_s == 30.0


def test_a_witness_that_comes_back() -> None:
    world = FakeWorld(["postgres: gone", "postgres: gone", NOTHING_PENDING])
    assert settle(world, FakeClock(), until_unix_s=1030.0, stopped=never).settled


def test_a_blink_starts_the_wait_for_rest_anew() -> None:
    world = FakeWorld([*[left(orders=1)] * 10, "postgres: gone", left(orders=1)])
    result = settle(world, FakeClock(), until_unix_s=1030.0, stopped=never)
    assert result.settled
    assert result.settle_s == 11 * 0.5 + UNMOVED_S


def test_settling_can_be_ended_early() -> None:
    clock = FakeClock()
    result = settle(FakeWorld([left(orders=1)]), clock, until_unix_s=1030.0, stopped=lambda: clock.now > 1002.0)
    assert (result.settled, result.reason, result.settle_s, result.cut) == (False, "stopped", 2.5, True)


def test_a_promise_that_has_run_out_already_still_looks_once() -> None:
    assert settle(FakeWorld(), FakeClock(), until_unix_s=0.0, stopped=never).settled
    assert not settle(FakeWorld([left(orders=1)]), FakeClock(), until_unix_s=0.0, stopped=never).settled
