"""Ends exchanges that take too long. All have the same timeout, so one timer is enough for all of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from gevent import getcurrent
from gevent.hub import get_hub

SOONEST_S = 0.001


class TookTooLong(BaseException):
    """An exchange is ended. Like `gevent.Timeout` no `Exception`: code in between must not catch it."""


class Wait(msgspec.Struct, gc=False):
    """Of one exchange; *greenlet* is None once it is over."""

    until_s: float
    greenlet: Any

    def over(self) -> None:
        """Idempotent."""
        self.greenlet = None


class Patience:
    """Raises `TookTooLong` in a greenlet that has waited for *timeout_s*.

    A timer per exchange, which `gevent.Timeout` would be, costs 5 µs of CPU and more.
    """

    def __init__(self, timeout_s: float, now_s: Callable[[], float]) -> None:
        self._timeout_s, self._now_s = timeout_s, now_s
        self._waits: deque[Wait] = deque()
        self._timer = get_hub().loop.timer(0)

    def begin(self) -> Wait:
        """From now on the running greenlet waits."""
        waits = self._waits
        while waits and waits[0].greenlet is None:
            waits.popleft()
        wait = Wait(self._now_s() + self._timeout_s, getcurrent())
        waits.append(wait)
        if not self._timer.active:
            self._look_in(self._timeout_s)
        return wait

    def _look_in(self, seconds: float) -> None:
        self._timer.close()
        self._timer = get_hub().loop.timer(max(seconds, SOONEST_S))
        self._timer.start(self._look)

    def _look(self) -> None:
        """Runs in the hub: every other greenlet waits for something, and can be thrown out of that."""
        waits = self._waits
        while waits:
            if waits[0].greenlet is None:
                waits.popleft()
            elif (left_s := waits[0].until_s - self._now_s()) > 0:
                self._look_in(left_s)
                break
            else:
                waits.popleft().greenlet.throw(TookTooLong())
