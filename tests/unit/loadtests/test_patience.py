"""Who waits too long is thrown out, nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent
from gevent.event import Event

from loadtests.patience import Patience, TookTooLong

TIMEOUT_S = 0.05
LONG_S = 60.0


def ends(patience: Patience, waits: Callable[[], object], then: Callable[[], object] = lambda: None) -> str:
    """How an exchange that *waits* ends, and what its greenlet does *then*, which is no part of it."""
    wait = patience.begin()
    try:
        waits()
        how = "answered"
    except TookTooLong:
        how = "ended"
    finally:
        wait.over()
    then()
    return how


def played(*exchanges: tuple[Callable[[], object], Callable[[], object]], patience: Patience) -> list[str]:
    greenlets = [gevent.spawn(ends, patience, *exchange) for exchange in exchanges]
    gevent.joinall(greenlets, timeout=LONG_S, raise_error=True)
    return [greenlet.value for greenlet in greenlets]


def nothing() -> None:
    """At once."""


def never() -> None:
    Event().wait()


def test_only_those_are_ended_that_still_wait() -> None:
    patience, last = Patience(TIMEOUT_S, time.monotonic), Event()
    assert played(
        (nothing, last.wait),  # answered, and busy with something else when its time would have been up
        (never, nothing),
        (nothing, nothing),
        (never, last.set),
        patience=patience,
    ) == ["answered", "ended", "answered", "ended"]


def test_each_has_its_own_time_and_the_timer_is_set_again_after_an_idle_while() -> None:
    patience = Patience(TIMEOUT_S, time.monotonic)
    ended: list[int] = []
    for number in range(2):  # nobody begins after them, who would set the timer
        gevent.spawn_later(
            number * TIMEOUT_S / 5, lambda number: ends(patience, never, lambda: ended.append(number)), number
        )
    with gevent.Timeout(LONG_S):
        while len(ended) < 2:
            gevent.sleep(0.01)
    assert ended == [0, 1]
    gevent.sleep(2 * TIMEOUT_S)
    assert played((never, nothing), patience=patience) == ["ended"]


def test_a_journey_that_goes_on_to_its_next_exchange_waits_anew() -> None:
    patience = Patience(TIMEOUT_S, time.monotonic)
    second: list[str] = []
    assert played((never, lambda: second.append(ends(patience, never))), patience=patience) == ["ended"]
    assert second == ["ended"]


def test_exchanges_that_are_over_are_not_kept_until_their_time_is_up() -> None:
    patience = Patience(LONG_S, time.monotonic)
    for _ in range(1000):
        ends(patience, nothing)
    assert len(patience._waits) <= 1
