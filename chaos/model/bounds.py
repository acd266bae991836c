"""Upper bounds for figures of the record: a file with larger ones was not written by a run."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

import msgspec

MOST_S: Final = 100_000
"""No moment of a run is further than this (about 28 hours) from second 0 of its load."""
MOST_UNIX_S: Final = 10_000_000_000
MOST_INT: Final = 2**53

AtS: TypeAlias = Annotated[float, msgspec.Meta(ge=-MOST_S, le=MOST_S)]
"""Seconds since second 0 of the load. JSON has no NaN and no infinity."""
UnixS: TypeAlias = Annotated[float, msgspec.Meta(ge=0.0, le=MOST_UNIX_S)]
"""Seconds since the epoch, up to the year 2286."""
Whole: TypeAlias = Annotated[int, msgspec.Meta(ge=-MOST_INT, le=MOST_INT)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MOST_INT)]
Ratio: TypeAlias = Annotated[float, msgspec.Meta(ge=0.0, le=1e9)]
"""Not negative; a ratio over 1 can be read, and is judged later."""
Word: TypeAlias = Annotated[str, msgspec.Meta(max_length=200)]
"""A name by which operations, phases and the like are counted."""


def second(value: Any) -> float | None:
    """A moment of the load that stands in untyped data; None when it can't be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -MOST_S <= value <= MOST_S else None  # None for NaN, too
