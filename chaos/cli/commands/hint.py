"""`firedrill hint`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from chaos.adapters.scorecard import Scorecard
from chaos.adapters.scores import scores_of
from chaos.cli.console import Answer, answers
from chaos.cli.lab import running
from chaos.cli.options import Drill, Json
from chaos.config import evidence_dir
from chaos.drills import catalogue
from chaos.drills.guide import guide_of
from chaos.drills.hints import Asked, failed_last, next_hint
from chaos.drills.latest import latest
from chaos.errors import InvalidInput, LabBroken

app = typer.Typer()


@app.command()
@answers
def hint(
    drill: Drill,
    check: Annotated[str, typer.Option(metavar="CHECK", help="For this check instead of the one that failed.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Open a solution without being asked.")] = False,
    as_json: Json = False,
) -> Answer:
    """The next of three hints for the check that failed last; on record, and the last one caps the ceiling at 1.

    The stretch counts only for runs before the first hint of a drill.
    """
    one = catalogue.drill(drill)
    guide = guide_of(one)
    asked = Asked(check=check) if check else failed_last(one, latest(evidence_dir()))
    stack = running()  # what can't be put on record isn't told
    scores = scores_of(stack)
    found = next_hint(guide, asked, scores.opened(one.key))
    if found.hint.level == "solution" and not found.again:
        _agreed(one, yes=yes)
    try:
        Scorecard(stack.url("scorecard"), stack.lab_token).open_hint(drill=one.key, hint=found.hint.key)
    except OSError as error:
        raise LabBroken(f"{error}; a hint is told only when that is on record") from None
    return Answer(document=found.document(one), text=found.lines(one))


def _agreed(one: catalogue.Drill, *, yes: bool) -> None:
    """Ask before a solution opens. Raises: InvalidInput without an answer, or with a no."""
    what = f"this gives the solution away: it caps the ceiling of drill {one.number} at 1, unless the core held before"
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInput(f"hint: got nobody to ask, expected --yes: {what}")
    if not typer.confirm(f"The next hint is the last of three; {what}. Open it?", err=True):
        raise InvalidInput("hint: got a no, expected a yes; nothing was opened")
