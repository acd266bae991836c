"""What checks of what a learner wrote share: limits, and that a key which was shown leaves nothing to find."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from chaos.invariants._common import Say
from chaos.model.strict import StrictModel
from chaos.model.verdict import Finding


class Part(StrictModel):
    """Which limits."""

    part: Literal["core", "stretch"] = Field(
        default="core", description="The part of the drill whose limits have to be reached."
    )


def decided(
    say: Say, *, seed: int, revealed: str, reached: bool, measured: str, figures: Mapping[str, int], what: str
) -> Finding:
    """The finding of a grade. *what* it is of, such as `sample`; *revealed* when its key was shown."""
    whole = f"{measured}, on the {what} of seed {seed}"
    if revealed:
        shown = f"the key was shown on {revealed[:10]}, so the {what} of seed {seed} counts no more"
        return say.inconclusive(shown, whole, figures=figures)
    if reached:
        return say.held(whole, figures)
    return say.violated(measured, whole, examples=(), figures=figures)
