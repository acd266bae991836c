"""The real clock."""

from __future__ import annotations

import time


class SystemClock:
    """Wall clock; all parts run on one machine, so it is one clock."""

    def now_unix_s(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
