"""Before and after: an exploit has to have worked on the draft, or its refusal says nothing."""

from __future__ import annotations

import pytest

from chaos.model.grading import Planted
from chaos.model.verdict import Verdict
from chaos.review.refactor import Row, table, verdict


def planted(slot: str, exploit: str, kind: str = "flaw") -> Planted:
    return Planted(
        slot=slot, name="n", kind=kind, title="t", cwe=(20,), severity="low", exploit=exploit, places=()
    )  # fmt: skip


KEY = [planted("a", "one"), planted("b", "two"), planted("c", ""), planted("d", "three", "trap")]
HELD, VIOLATED, INCONCLUSIVE = Verdict.HELD, Verdict.VIOLATED, Verdict.INCONCLUSIVE


def test_a_row_for_each_planted_flaw_with_an_exploit() -> None:
    assert table(KEY, {"one"}, {"two"}) == [Row("a", "one", True, False), Row("b", "two", False, True)]


@pytest.mark.parametrize(
    ("before", "after", "judged", "expected"),
    [
        ({"one", "two"}, set(), HELD, HELD),
        ({"one"}, set(), HELD, INCONCLUSIVE),
        ({"one", "two"}, {"two"}, VIOLATED, VIOLATED),
        ({"one", "two"}, {"three"}, VIOLATED, VIOLATED),
        ({"one", "two"}, set(), VIOLATED, VIOLATED),  # an address that does not work any more
        ({"one", "two"}, set(), INCONCLUSIVE, INCONCLUSIVE),
        ({"one"}, set(), VIOLATED, VIOLATED),
    ],
)
def test_what_a_refactor_comes_to(before: set[str], after: set[str], judged: Verdict, expected: Verdict) -> None:
    assert verdict(KEY, before, after, judged) is expected
