"""`firedrill up`, `down`, `status`, `doctor` and `agent`: other programs of the lab, under one name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import typer

from chaos.cli.commands import COMMANDS
from chaos.cli.lab import hand_over

app = typer.Typer()

_OF_THE_STACK: Final = ("up", "down", "status", "doctor")


def _command(name: str) -> Callable[[typer.Context], None]:
    def command(context: typer.Context) -> None:
        hand_over("services.stack", name, *context.args)

    command.__doc__ = COMMANDS[name].about
    return command


for _name in _OF_THE_STACK:
    app.command(_name, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(_command(_name))


@app.command()
def agent() -> None:
    """Run the watchdog in the foreground (the stack does so by itself)."""
    hand_over("chaos.agent")
