"""How far two hosts' clocks are apart, from questions and answers. Pure.

The schedule is in wall-clock time: a worker whose clock is wrong sends its share at another moment than the faults and
the other workers expect, and its times in the history mean something else. Latencies are differences on one clock; they
are right whatever the clock says.
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
        """How far the clocks may be apart at most."""
        return abs(self.offset_s) + self.error_s


def measured(*, sent_s: float, answered_s: float, received_s: float) -> Offset:
    """From one question: *answered_s* was read on the other clock, somewhere between *sent_s* and *received_s* on this.

    Source: Cristian, "Probabilistic clock synchronization", 1989.
    """
    return Offset((sent_s + received_s) / 2 - answered_s, (received_s - sent_s) / 2)


def best(offsets: Iterable[Offset]) -> Offset | None:
    """The one with the shortest round trip: nothing else about a question makes its answer more exact."""
    return min(offsets, key=lambda offset: offset.error_s, default=None)


def worst(offsets: Iterable[Offset | None]) -> Offset | None:
    """The one that allows for the largest distance."""
    return max((offset for offset in offsets if offset is not None), key=lambda offset: offset.bound_s, default=None)
