"""How often a canary has to look for a fault that hits only a share of what it meets."""

from __future__ import annotations

import math

# A fault that is there is missed by all of its canaries once in so many runs.
MISSED_ONCE_IN = 10_000


def tries(share: float) -> int:
    """Fresh looks, each hit with the probability *share* (in (0, 1])."""
    return 1 if share >= 1 else math.ceil(math.log(1 / MISSED_ONCE_IN) / math.log1p(-share))
