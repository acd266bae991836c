"""A stretch of a run's time with a name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A load phase on the run's clock: seconds since the load's start."""

    name: str
    start_s: float
    end_s: float
