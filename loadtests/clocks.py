"""The offset between two hosts' clocks, measured by questions and answers. Pure.

The schedule is in wall-clock time: a worker whose clock is wrong sends its share earlier or later than the faults and
the other workers expect, and its times in the history are shifted. Latencies are differences on one clock, so a wrong
clock does not change them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Offset(NamedTuple):
    """This clock minus the other one; the true offset lies within `offset_s` ± `error_s`."""

    offset_s: float
    error_s: float

    @property
    def bound_s(self) -> float:
        """The largest possible distance between the clocks."""
        return abs(self.offset_s) + self.error_s


def measured(*, sent_s: float, answered_s: float, received_s: float) -> Offset:
    """From one question: *answered_s* was read on the other clock, between *sent_s* and *received_s* on this clock.

    Source: Cristian, "Probabilistic clock synchronization", 1989.
    """
    return Offset((sent_s + received_s) / 2 - answered_s, (received_s - sent_s) / 2)


def best(offsets: Iterable[Offset]) -> Offset | None:
    """The offset with the shortest round trip, which is the most exact one; None without any."""
    return min(offsets, key=lambda offset: offset.error_s, default=None)


def worst(offsets: Iterable[Offset | None]) -> Offset | None:
    """The offset with the largest possible distance; None without any."""
    return max((offset for offset in offsets if offset is not None), key=lambda offset: offset.bound_s, default=None)
