"""The key of drill 6's sample: `firedrill review reveal --yes` and `firedrill reveal 6` are one thing."""

from __future__ import annotations

import msgspec

from chaos.adapters.scorecard import Scorecard
from chaos.cli.console import Answer, Block
from chaos.cli.lab import running
from chaos.cli.review_text import key_text
from chaos.drills import review as reviews


def revealed() -> Answer:
    """What was planted, where, and which of it was found. Raises: LabBroken when it can't be put on record."""
    stack = running()
    its, key, grade = reviews.reveal(Scorecard(stack.url("scorecard"), stack.lab_token))
    document = {
        "seed": its.state.seed,
        "revealed": reviews.load().state.revealed,
        "key": msgspec.to_builtins(key),
        "missed": None if grade is None else [grade.flaws[at].slot for at in grade.missed],
        "trapped": None if grade is None else [grade.notes[at].where for at in grade.trapped],
    }
    return Answer(document=document, text=Block(key_text(key, grade)))
