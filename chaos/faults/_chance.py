"""How often a canary has to look for a fault that hits only a share of connections or calls."""

from __future__ import annotations

import math

# All canaries together miss a fault that is in effect at most once in this many runs.
MISSED_ONCE_IN = 10_000


def tries(share: float) -> int:
    """Number of independent looks, when each one is hit with the probability *share* (in (0, 1])."""
    return 1 if share >= 1 else math.ceil(math.log(1 / MISSED_ONCE_IN) / math.log1p(-share))
