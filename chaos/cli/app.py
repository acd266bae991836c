"""The command line as a whole. Each command ends with a documented exit code and a sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from chaos.cli.commands import COMMANDS
from chaos.cli.console import complain
from chaos.cli.groups import page
from chaos.errors import ExitCode, FiredrillError, Inconclusive, LabBroken
from launch import unforeseen

_ABOUT = "A chaos and load lab on one machine: run a scenario against an API, get a verdict backed by evidence."
ALONE = "standing"
"""The command that `firedrill` without one stands for."""


class Commands(TyperGroup):
    """All commands; the module of one is imported when it is called.

    Ends every command with a documented exit code. Typer's own is 1, "violated", for a reader that has gone and for an
    EOFError, which is also what a file that was cut short raises.
    """

    def make_context(self, *given: Any, **more: Any) -> Any:
        with _documented_end():
            return super().make_context(*given, **more)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or [ALONE])

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # its own class for it is private
        with _documented_end():
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # here, where a broken pipe is handled

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # as above
        formatter.write(page(_ABOUT, {"--help": "show this"}, styled=sys.stdout.isatty()))

    def resolve_command(self, *given: Any) -> Any:
        name, listed, rest = super().resolve_command(*given)
        return name, None if listed is None or name is None else load(name), rest


def load(name: str) -> Any:
    """The command of that name, its module imported."""
    module = import_module(f"chaos.cli.commands.{COMMANDS[name].module}")
    return get_group(module.app).commands[name]


app = Commands(
    name="firedrill",
    help=_ABOUT,
    commands={name: TyperCommand(name, help=entry.about) for name, entry in COMMANDS.items()},
)


def main() -> None:
    """Entry point."""
    app(prog_name="firedrill")  # not the module that it is started as


@contextmanager
def _documented_end() -> Iterator[None]:
    try:
        yield
    except SystemExit as wish:  # Rich's, when nobody reads the help that it prints
        raise typer.Exit(ExitCode.LAB_BROKEN if wish.code == 1 else wish.code) from None  # type: ignore[arg-type]
    except EOFError as error:
        raise typer.Exit(unforeseen.tell("firedrill", error)) from None
    except (FiredrillError, OSError, KeyboardInterrupt) as error:
        raise typer.Exit(_code_of(error)) from None


def _code_of(error: FiredrillError | OSError | KeyboardInterrupt) -> ExitCode:
    """Say what it was, and end with its code."""
    try:
        match error:
            case FiredrillError():
                complain(error)
                return error.exit_code
            case KeyboardInterrupt():
                complain(Inconclusive("stopped by hand"))
                return ExitCode.INCONCLUSIVE
            case BrokenPipeError():
                raise error
            case _:
                where = f"{error.filename}: " if error.filename else ""
                complain(LabBroken(f"{where}got {error.strerror or error}, expected it to work"))
                return ExitCode.LAB_BROKEN
    except BrokenPipeError:
        # The reader has gone, and nothing is left to say. Python would try to write once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error.exit_code if isinstance(error, FiredrillError) else ExitCode.LAB_BROKEN
