"""`firedrill attempt …`: the learner's own variant; and `reveal`, which tells what was planted in it."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from chaos.adapters.scorecard import Scorecard
from chaos.cli.console import Answer, Block, answers
from chaos.cli.lab import hand_over, running
from chaos.cli.next_steps import command
from chaos.cli.options import Json
from chaos.cli.review_key import revealed
from chaos.cli.review_text import next_steps
from chaos.config import CHECKOUT
from chaos.drills import attempt as attempts
from chaos.drills import drafts
from chaos.drills import review as reviews
from chaos.drills.catalogue import Drill
from chaos.drills.reveal import key_text, reveal_key
from chaos.errors import InvalidInput

HIGHEST_OF_OUR_OWN = 9999
"""A seed that nobody asked for is a number that is easy to say."""

attempt = typer.Typer(no_args_is_help=True, help="Your own variant of the API.")
app = typer.Typer()
app.add_typer(attempt, name="attempt")


@attempt.command()
@answers
def start(
    drill: Annotated[
        str, typer.Option(help="For this drill; an attempt that is there is kept beside it. Else it is refused.")
    ] = "",
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=drafts.HIGHEST_SEED, help="Which draft of the drill; a fresh one when left out."),
    ] = None,
) -> Answer:
    """Make services/shop/attempt from naive, or from the draft of a drill and a seed."""
    if not drill:
        if seed is not None:
            raise InvalidInput("--seed: got it without --drill, expected both: a seed means a draft of a drill")
        path = attempts.start().relative_to(CHECKOUT)
        return Answer(text=[f"your attempt is {path}: run a scenario with --variant attempt", *_then(path, None)])
    base = _base(drill, seed)
    path, kept, steps = _made(base)
    if not steps:
        steps = _then(path, drafts.any_drill(drill))
    return Answer(text=[f"your attempt is {path}, made from {base}{kept}", *steps])


def _then(path: Path, one: Drill | None) -> list[str]:
    """What to do with code of one's own, for whoever has just begun; *one*: the drill that it is for."""
    asks = command("drill", "3" if one is None else str(one.number))
    first = "interleaving/last-seats" if one is None else one.core[0]
    return [
        "Next:",
        f"  {asks}",
        "    what a drill asks, and which files it is about",
        f"  {command('run', first, '--variant', 'attempt')}",
        f"    what is wrong with the code so far; then mend {path}/*.py",
    ]


def _made(base: str) -> tuple[Path, str, list[str]]:
    """The attempt anew from *base*: where it is, what became of an old one, and what to do next."""
    steps: list[str] = []
    if (draft := drafts.parse(base)) is not None and draft.drill == drafts.REVIEW:
        folder, backup = reviews.start(draft.seed)
        path, steps = folder.parent, next_steps(folder.relative_to(CHECKOUT))
    else:
        drafts.make_base(base)
        path, backup = attempts.reset(base=base)
    kept = f"; the old one is kept in {backup.relative_to(CHECKOUT)}" if backup else ""
    return path.relative_to(CHECKOUT), kept, steps


def _base(asked: str, seed: int | None) -> str:
    """What an attempt at the drill starts from. Raises: InvalidInput."""
    one = drafts.any_drill(asked)
    if one.number in drafts.with_drafts():
        chosen = secrets.randbelow(HIGHEST_OF_OUR_OWN) + 1 if seed is None else seed
        return drafts.Draft(drill=one.number, seed=chosen).variant
    if seed is not None:
        raise InvalidInput(
            f"--seed: got {seed}, expected none: drill {one.number} starts from naive, which has no seed"
        )
    return drafts.NAIVE


@attempt.command()
@answers
def reset() -> Answer:
    """Make it anew from what it was made from; the old one is kept beside it."""
    base = drafts.base_of(attempts.SHOP / "attempt")
    path, kept, steps = _made(base)
    return Answer(text=[f"{path} is a fresh copy of {base}{kept}", *steps])


@attempt.command(no_args_is_help=True, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def manage(context: typer.Context) -> None:
    """A Django command of your attempt, on its own database: makemigrations, sqlmigrate shop 0003, shell, …"""
    hand_over("services.stack", "manage", "--variant", "attempt", *context.args)


@attempt.command()
def serve(
    port: Annotated[int, typer.Option(min=1024, max=65535, help="On loopback.")] = 8000,
) -> None:
    """Your attempt with Django Debug Toolbar, to look at: every query of a request, and its line. Ends with Ctrl-C."""
    hand_over("services.stack", "develop", "--variant", "attempt", "--port", str(port))


@app.command()
@answers
def reveal(
    drill: Annotated[str, typer.Argument(metavar="DRILL", help="1, 2 or 6; or its key, such as orm-queries.")],
    as_json: Json = False,
) -> Answer:
    """The key of your attempt's draft: every flaw, and where. On record like a solution, and caps the ceiling at 1."""
    if drafts.any_drill(drill).number == drafts.REVIEW:
        return revealed()
    one = drafts.drafted(drill)
    draft = drafts.own_draft(one, attempts.SHOP / "attempt")
    stack = running()  # what can't be put on record isn't told
    key = reveal_key(one, draft, Scorecard(stack.url("scorecard"), stack.lab_token))
    return Answer(document=key, text=Block(key_text(key)))
