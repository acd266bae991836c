"""`firedrill score`."""

from __future__ import annotations

from typing import Annotated

import typer

from chaos.adapters.scores import ScoredDrill
from chaos.cli.console import Answer, answers
from chaos.cli.learner import learner, scorecard
from chaos.cli.options import Drill, Json
from chaos.cli.standing_text import SCORES, next_lines
from chaos.drills import catalogue
from chaos.errors import InvalidInput

MOST_NOTES = 10_000
app = typer.Typer()


@app.command()
@answers
def score(
    drill: Drill,
    value: Annotated[int, typer.Argument(metavar="SCORE", min=0, max=3, help="0 Unfamiliar to 3 Owner.")],
    notes: Annotated[
        str | None, typer.Option(help="What went wrong, what you would do at once next time; Markdown. Else kept.")
    ] = None,
    as_json: Json = False,
) -> Answer:
    """Record your own score of a drill, as the page Scores does; the ceiling of the evidence is told beside it."""
    one = catalogue.drill(drill)
    if notes is not None and len(notes) > MOST_NOTES:
        raise InvalidInput(f"--notes: got {len(notes)} characters, expected at most {MOST_NOTES}")
    scores = scorecard()
    before = scores.drill(one.key).score
    scores.save(one.key, value=value, notes=before.notes if notes is None else notes, version=before.version)
    stored = scores.drill(one.key)
    found = learner()
    at = found.of(one)
    return Answer(
        document={**at.document(), "notes": stored.score.notes, "next": found.step(at).document()},
        text=[*_told(one, before.value, stored), "", *next_lines(found.step(at), at)],
    )


def _told(one: catalogue.Drill, before: int | None, stored: ScoredDrill) -> list[str]:
    value, standing = stored.score.value, stored.standing
    name = f"{value} {SCORES[value]}" if value is not None else "none"
    was = "" if before in (None, value) else f" (was {before} {SCORES.get(before or 0, '')})"
    ceiling = "no evidence yet" if standing.ceiling is None else f"{standing.ceiling} {SCORES[standing.ceiling]}"
    told = [f"drill {one.number}: recorded {name}{was}", f"ceiling: {ceiling}. {standing.reason}"]
    if standing.overclaim:
        told.append(f"overclaim: your score is {standing.gap} above what the evidence supports; it is kept as you say")
    return told
