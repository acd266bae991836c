"""What the clocks of this machine did during a run: clocks.jsonl, and what is wrong when they did not agree. Pure.

A run measures time with the monotonic clock, which can't be set. The wall clock is for people, and for witnesses that
record no other: PostgreSQL's log, the gateway's ledger, Redis. Their times are right as long as the difference of the
two clocks stays the same, so both are read together, once a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import msgspec

EVERY_S = 1.0

LATE_S = 2.0
"""Most time between two readings, planned a second apart: a busy machine delays one by some hundredths, not by 1 s."""
STEP_S = 0.02
"""How far the wall clock may move against the monotonic one: as much as clocks of two hosts may differ.

A time service that slews moves both clocks alike; a larger difference means that the wall clock was set.
"""
NAP_S = 0.1


class ClockReading(msgspec.Struct, frozen=True, kw_only=True):
    """A line of clocks.jsonl: the clocks, read together.

    Attributes:
        steady_s: CLOCK_MONOTONIC: seconds since this machine's boot without its sleep, the same in all its processes.
        unix_s: Wall clock, seconds since the epoch.
        slept_s: How long this machine has slept since its boot; None where the system does not tell.
    """

    steady_s: float
    unix_s: float
    slept_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """An event that makes a run's times unreliable.

    Attributes:
        kind: The wall clock was `set`, the machine `slept`, or the process that read the clocks `stood_still`.
        steady_s: When it was noticed.
        by_s: By how much: signed for a clock that was set.
    """

    kind: Literal["set", "slept", "stood_still"]
    steady_s: float
    by_s: float

    def says(self, who: str, at_s: float) -> str:
        """In words; *at_s* is when it was noticed, since the load's start."""
        match self.kind:
            case "set":
                return f"the wall clock stepped by {_signed(self.by_s)} at {at_s:.1f} s"
            case "slept":
                return f"the machine slept for {self.by_s:.1f} s, until {at_s:.1f} s"
            case "stood_still":
                return f"the {who} stood still for {self.by_s:.1f} s, until {at_s:.1f} s"


def disturbances(readings: Sequence[ClockReading], *, distance_s: float | None) -> Iterator[Disturbance]:
    """What happened between the first reading and the last, in this order.

    Args:
        distance_s: Wall clock minus monotonic clock, by which witnesses' times are converted to the run's; None means
            that of the first reading.
    """
    distance = distance_s if distance_s is not None else _distance(readings[0]) if readings else 0.0
    napped_s = (readings[0].slept_s or 0.0) if readings else 0.0
    for before, now in pairwise(readings):
        if (late_s := now.steady_s - before.steady_s) > LATE_S:
            yield Disturbance(kind="stood_still", steady_s=now.steady_s, by_s=late_s)
        slept_s = (now.slept_s or 0.0) - napped_s
        if slept_s > NAP_S:  # the wall clock went on meanwhile, and the monotonic one did not
            napped_s, distance = napped_s + slept_s, distance + slept_s
            yield Disturbance(kind="slept", steady_s=now.steady_s, by_s=slept_s)
        moved_s = _distance(now) - distance
        if not abs(moved_s) <= STEP_S:  # NaN counts as a step, too
            distance += moved_s
            yield Disturbance(kind="set", steady_s=now.steady_s, by_s=moved_s)


def _distance(reading: ClockReading) -> float:
    return reading.unix_s - reading.steady_s


def _signed(seconds: float) -> str:
    """`−4.0 s`, `+30.0 s`, `−45 ms`."""
    sign, size = "−" if seconds < 0 else "+", abs(seconds)
    return f"{sign}{size:.1f} s" if size >= 1 else f"{sign}{size * 1000:.0f} ms"
