"""`firedrill standing`, and `firedrill` alone."""

from __future__ import annotations

import typer

from chaos.cli.console import Answer, Block, answers
from chaos.cli.learner import learner
from chaos.cli.options import Json
from chaos.cli.standing_text import overview
from chaos.drills.next_step import current

app = typer.Typer()


@app.command()
@answers
def standing(as_json: Json = False) -> Answer:
    """Where you stand in the six drills, and the next command to type; `firedrill` alone says the same."""
    found = learner()
    at = current(found.drills)
    step = found.step(at)
    document = {
        "stack_up": found.stack_up,
        "away": found.away,
        "drills": [one.document() for one in found.drills],
        "current": at.drill.number,
        "next": step.document(),
    }
    stack = "up" if found.stack_up else "down (make up starts it; a run does so by itself)"
    return Answer(document=document, text=Block(overview(found.drills, at=at, step=step, stack=stack, away=found.away)))
