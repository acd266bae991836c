"""The real clock."""

from __future__ import annotations

import time

from chaos.model.clocks import ClockReading

TRIES = 5
BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)
"""A clock that counts while the machine sleeps, too. Only Linux has it; None elsewhere."""


class SystemClock:
    """See `chaos.ports.Clock`. It reads the wall clock once, when it is made; after that only the monotonic one.

    Each run makes its own, so that a wall clock which is set between two runs affects neither.
    """

    def __init__(self) -> None:
        reading = self.reading()
        self._distance_s = reading.unix_s - reading.steady_s

    def now_unix_s(self) -> float:
        return time.monotonic() + self._distance_s

    def steady_s(self, unix_s: float) -> float:
        return unix_s - self._distance_s

    def reading(self) -> ClockReading:
        """The quickest of TRIES readings: in a reading that is interrupted, the clocks are read at different times."""
        tries = [(time.monotonic(), time.time(), _slept_s(), time.monotonic()) for _ in range(TRIES)]
        before, unix_s, slept_s, after = min(tries, key=lambda one: one[3] - one[0])
        return ClockReading(steady_s=round((before + after) / 2, 6), unix_s=round(unix_s, 6), slept_s=slept_s)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def _slept_s() -> float | None:
    if BOOTTIME is None:
        return None
    return round(time.clock_gettime(BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC), 3)
