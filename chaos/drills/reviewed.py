"""The learner's notes on drill 6's sample as a run takes them into its evidence."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Final

import msgspec

from chaos.checks import InvariantCheck
from chaos.drills import review as reviews
from chaos.drills.attempt import SHOP, is_the_learners
from chaos.drills.drafts import any_drill, own_draft
from chaos.errors import InvalidInput
from chaos.model.grading import Reviewed, grade
from chaos.scenario import Scenario

WITNESS: Final = "review"


def reviewed_for(scenario: Scenario, variant: str, shop: Path = SHOP) -> Reviewed | None:
    """The review that *scenario* asks for; None when it asks for none. Raises: InvalidInput, before anything runs."""
    if not any(isinstance(one, InvariantCheck) and WITNESS in one.invariant.witnesses for one in scenario.checks):
        return None
    if not is_the_learners(variant):
        raise InvalidInput(f"{scenario.name}: got variant {variant}, expected your attempt: it grades your notes")
    return reviewed(variant, shop)


def reviewed(variant: str, shop: Path = SHOP) -> Reviewed:
    """The review in the attempt, with its key. Raises: InvalidInput for one that can't be graded."""
    review = reviews.load(shop=shop)
    key = reviews.key_of(review.state)
    if key is None or review.state.seed is None:
        raise InvalidInput(f"check: got imported code, expected a sample of a seed: {reviews.NO_KEY}")
    draft = own_draft(any_drill(reviews.NUMBER), shop / variant)
    if review.state.seed != draft.seed:
        raise InvalidInput(
            f"attempt: got a review of seed {review.state.seed} in code of {draft.variant}, expected both of one seed "
            "(firedrill review start --reset --seed SEED)"
        )
    grade(review.notes, key)
    return Reviewed(seed=draft.seed, revealed=review.state.revealed, notes=tuple(review.notes), key=key)


def packed(one: Reviewed) -> bytes:
    """As `File.REVIEW` holds it: a single line, the same bytes for the same review."""
    return gzip.compress(msgspec.json.encode(one) + b"\n", mtime=0)
