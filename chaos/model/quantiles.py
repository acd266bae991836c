"""The only quantile function: nearest rank; an operation without a promised answer is infinitely slow."""

from __future__ import annotations

import math
from collections.abc import Sequence

LATENCY_BOUNDS_S = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75),
    *(1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0),
)
"""Upper bounds of the live series of latencies. Operations without a promised answer are above all of them."""


def quantile(ordered: Sequence[float], unanswered: int, q: float) -> float | None:
    """The time that the operation at rank *q* took. None when it has no promised answer, and without operations.

    Args:
        ordered: Times of the promised answers, ascending.
        unanswered: Operations without one; they rank last.
    """
    total = len(ordered) + unanswered
    rank = math.ceil(round(q * total, 6))
    return ordered[rank - 1] if 0 < rank <= len(ordered) else None
