"""`firedrill scenario new`: a scenario of the learner's own."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from chaos.cli.console import Answer, answers
from chaos.drills.new_scenario import NEAREST, OWN, Asked, require_name, write
from chaos.errors import InvalidInput
from chaos.load import all_scenarios, find_scenario, scenario_name

scenario = typer.Typer(no_args_is_help=True, help="A scenario of your own.")
app = typer.Typer()
app.add_typer(scenario, name="scenario")


@scenario.callback()
def group() -> None:
    """A scenario of your own."""


@scenario.command("new")
@answers
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as slow-refund.")],
    title: Annotated[str, typer.Option(help="What it is called in reports; asked when left out.")] = "",
    hypothesis: Annotated[str, typer.Option(help="What has to stay true while what happens; asked likewise.")] = "",
    nearest: Annotated[
        str,
        typer.Option("--from", metavar="SCENARIO", help="The nearest that there is, to begin from; asked likewise."),
    ] = "",
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**31 - 1, help="Its seed; that scenario's when left out.")
    ] = None,
) -> Answer:
    """Ask what it should show and write scenarios/own/NAME.yaml, valid and with a self-test that runs."""
    require_name(name)
    if sys.stdin.isatty() and sys.stdout.isatty():
        title = title or str(typer.prompt("Title"))
        hypothesis = hypothesis or str(typer.prompt("Hypothesis: what has to stay true, while what happens"))
        if not nearest:
            known = [scenario_name(path) for path in all_scenarios()]
            sys.stdout.write("".join(f"  {one}\n" for one in known if not one.startswith(f"{OWN}/")))
            nearest = str(typer.prompt("The nearest scenario, to begin from", default=NEAREST))
    elif missing := [option for option, value in (("--title", title), ("--hypothesis", hypothesis)) if not value]:
        raise InvalidInput(f"scenario new: got no {' and no '.join(missing)}, expected both where nobody can be asked")
    nearest = nearest or NEAREST
    path = write(Asked(name=name, title=title, hypothesis=hypothesis, nearest=nearest, seed=seed))
    return Answer(
        text=[
            f"written: {path}, begun from {scenario_name(find_scenario(nearest))}",
            f"next: change it, then firedrill validate {OWN}/{name}, and firedrill selftest {OWN}/{name}",
        ]
    )
