"""`firedrill drill`."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import typer

from chaos.cli.console import Answer, Block, answers
from chaos.cli.learner import learner, scorecard
from chaos.cli.options import Drill, Json
from chaos.cli.standing_text import drill_page
from chaos.drills import catalogue
from chaos.drills.guide import brief_of, guide_of
from chaos.errors import LabBroken

app = typer.Typer()


@app.command()
@answers
def drill(drill: Drill, as_json: Json = False) -> Answer:
    """What a drill asks: brief, steps, scenarios with their last verdicts, which files it is about, what is next."""
    one = catalogue.drill(drill)
    brief, guide = brief_of(one), guide_of(one)
    found = learner()
    at = found.of(one)
    step = found.step(at)
    opened: list[str] | None = None
    with suppress(LabBroken):
        opened = sorted(scorecard().opened(one.key))
    document = {
        **at.document(),
        "brief": msgspec.to_builtins(brief),
        "files": guide.files,
        "hints": {"opened": opened, "all": len(guide.hints)},
        "next": step.document(),
    }
    count = None if opened is None else len(opened)
    return Answer(document=document, text=Block(drill_page(at, brief, guide, step, opened=count, away=found.away)))
