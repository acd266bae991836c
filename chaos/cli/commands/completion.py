"""`firedrill completion`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from chaos.cli.console import Answer, Block, answers

app = typer.Typer()

_SCRIPTS: Final = Path(__file__).parents[1] / "shells"


class Shell(StrEnum):
    """Those that a script is there for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command()
@answers
def completion(shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]) -> Answer:
    """The script that completes commands, options, scenarios, variants and runs in your shell.

    For bash and zsh: `source <(firedrill completion bash)`; for fish: `firedrill completion fish | source`.
    """
    return Answer(text=Block((_SCRIPTS / f"firedrill.{shell}").read_text("utf-8")))
