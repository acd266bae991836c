"""Maximum bipartite matching: as many pairs as possible, each item in at most one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def maximum(fits: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Left → right of a largest matching; *fits* has all that each left may be paired with, in order of preference.

    Kuhn's algorithm: each left in turn takes a free right, or one whose holder can take another. A left that is matched
    stays matched, so lefts in order of weight give the largest weight: the sets of lefts that can be matched together
    form a matroid. Source: Lawler, Combinatorial Optimization, on transversal matroids.
    """
    holder: dict[int, int] = {}

    def takes(left: int, tried: set[int]) -> bool:
        for right in fits[left]:
            if right not in tried:
                tried.add(right)
                if right not in holder or takes(holder[right], tried):
                    holder[right] = left
                    return True
        return False

    for left in fits:
        takes(left, set())
    return {left: right for right, left in holder.items()}
