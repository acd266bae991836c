"""Notes against their limits, as a run has them on record."""

from __future__ import annotations

import pytest

from chaos.adapters.samples import sample
from chaos.invariants import KINDS, Context
from chaos.model.evidence import EndState
from chaos.model.grading import Reviewed
from chaos.model.notes import Note
from chaos.model.verdict import Finding, Verdict

SEED = 3
HELD, VIOLATED, INCONCLUSIVE = Verdict.HELD, Verdict.VIOLATED, Verdict.INCONCLUSIVE


def reader(share: float, *, false: int = 0) -> Reviewed:
    """Of one who sees that much of what is planted, and says so many things that are wrong."""
    made = sample(SEED)
    flaws = [one for one in made.key if one.kind == "flaw"]
    places = [(one.places[0], one.cwe[0]) for one in flaws[: round(len(flaws) * share)]]
    notes = [_note(place.file, place.line, cwe) for place, cwe in places]
    notes += [_note("serializers.py", line, 1) for line in range(1, false + 1)]
    return Reviewed(seed=SEED, revealed="", notes=tuple(notes), key=made.key)


def _note(file: str, line: int, cwe: int) -> Note:
    return Note(file=file, line=line, last_line=line, cwe=cwe, severity="high", why="it is wrong")


def judged(review: Reviewed | None, **params: str) -> Finding:
    kind = KINDS["notes_find_the_flaws"]
    context = Context(state=EndState(), t0_unix_s=1.0, phases=(), history_complete=True, review=review)
    return kind.reducer(kind.params(**params)).finish(context)


@pytest.mark.parametrize(
    ("share", "false", "core", "stretch"),
    [
        (1.0, 0, HELD, HELD),
        (0.75, 0, HELD, VIOLATED),
        (1.0, 6, HELD, VIOLATED),
        (0.3, 0, VIOLATED, VIOLATED),
        (0.5, 12, VIOLATED, VIOLATED),
        (0.0, 0, VIOLATED, VIOLATED),  # nothing was noted
    ],
)
def test_each_part_has_its_own_limits(share: float, false: int, core: Verdict, stretch: Verdict) -> None:
    review = reader(share, false=false)
    found = judged(review)
    assert (found.verdict, judged(review, part="stretch").verdict) == (core, stretch)
    assert "(asked ≥ 60%), precision" in found.measured
    assert f"on the sample of seed {SEED}" in found.measured


def test_nothing_of_it_says_what_was_missed() -> None:
    review = reader(0.3)
    told = str(judged(review))
    assert not [one.title for one in review.key if one.title in told or one.slot in told]


@pytest.mark.parametrize(
    ("review", "expected"),
    [
        (None, "no notes are on record"),
        (Reviewed(seed=3, revealed="2026-11-28T10:00:00+00:00", notes=(), key=()), "was shown on 2026-11-28"),
        (reader(1.0, false=40), "expected at most"),
    ],
)
def test_what_decides_nothing(review: Reviewed | None, expected: str) -> None:
    found = judged(review)
    assert found.verdict is INCONCLUSIVE
    assert expected in found.reason
