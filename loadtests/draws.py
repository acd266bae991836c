"""Random choices of one arrival, derived only from the run's seed and the arrival's number. Pure.

It is SplitMix64, since seeding `random.Random` takes several microseconds and an arrival needs only five numbers.

Source: Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (OOPSLA 2014), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


class Stream(IntEnum):
    """Independent sequences for one arrival, so that the schedule's draws do not change those of the journey."""

    MIX = 1
    JOURNEY = 2
    GUEST = 3


def _mixed(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


class Draws:
    """A sequence of random numbers for arrival *index* of the run with *seed*."""

    __slots__ = ("_state",)

    def __init__(self, seed: int, index: int, stream: Stream) -> None:
        self._state = _mixed(_mixed(_mixed(seed & _MASK) + index & _MASK) + stream)

    def unit(self) -> float:
        """A number in [0, 1)."""
        self._state = (self._state + _GOLDEN) & _MASK
        return (_mixed(self._state) >> 11) * 2.0**-53

    def below(self, limit: int) -> int:
        """An integer in [0, *limit*)."""
        return int(self.unit() * limit)

    def choice(self, items: Sequence[T]) -> T:
        """One of *items*, which must not be empty."""
        return items[self.below(len(items))]
