"""A largest matching, against all that there are."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from chaos.model.matching import maximum


@given(st.lists(st.lists(st.integers(0, 4), unique=True, max_size=5), max_size=5))
def test_no_matching_is_larger(fits: list[list[int]]) -> None:
    found = maximum(dict(enumerate(fits)))
    assert len(set(found.values())) == len(found)
    assert all(right in fits[left] for left, right in found.items())
    orders = permutations(range(5), len(fits))
    assert len(found) == max(sum(right in fits[left] for left, right in enumerate(order)) for order in orders)


def test_a_holder_makes_room() -> None:
    assert maximum({0: [0, 1], 1: [0]}) == {0: 1, 1: 0}
