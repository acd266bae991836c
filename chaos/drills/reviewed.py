"""The learner's notes on drill 6's sample, with the key that they are graded by."""

from __future__ import annotations

from pathlib import Path

from chaos.drills import review as reviews
from chaos.drills.attempt import SHOP
from chaos.drills.drafts import any_drill, own_draft
from chaos.errors import InvalidInput
from chaos.model.grading import Reviewed, grade


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
            "(firedrill review start --seed SEED)"
        )
    grade(review.notes, key)
    return Reviewed(seed=draft.seed, revealed=review.state.revealed, notes=tuple(review.notes), key=key)
