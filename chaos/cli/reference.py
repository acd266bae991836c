"""docs/operate/commands.md: `python -m chaos.cli.reference > docs/operate/commands.md`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

from chaos.cli.app import load
from chaos.cli.commands import COMMANDS

_HEAD = """\
# Commands

Written by `python -m chaos.cli.reference`, from the commands themselves; a test holds this page to them. Exit codes
are in [exit-codes.md](exit-codes.md). `up`, `down`, `status` and `doctor` are also targets of make, which flattens
every failure to 2.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(line for name in COMMANDS for line in _command(f"firedrill {name}", load(name)))])


def _command(name: str, command: Any) -> Iterator[str]:
    if subcommands := getattr(command, "commands", None):
        for word, each in subcommands.items():
            yield from _command(f"{name} {word}", each)
        return
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    words = " ".join([name, *(_word(each) for each in arguments)])
    yield f"## `{words}`\n"
    yield f"{inspect.cleandoc(command.help)}\n"
    options = [each for each in command.params if each.param_type_name == "option" and each.name != "help"]
    rows = [(_word(each), each.help) for each in arguments if each.help]
    rows += [(_option(each), each.help) for each in options]
    if rows:
        yield "| | |\n|---|---|"
        for what, text in rows:
            yield f"| `{what}` | {text.replace('|', chr(92) + '|')} |"
        yield ""


def _word(argument: Any) -> str:
    word = argument.metavar or argument.name.upper()
    if " " in word:
        return str(word)  # of several words, which it says itself
    word = f"{word}…" if argument.nargs == -1 else word
    return word if argument.required else f"[{word}]"


def _option(option: Any) -> str:
    if option.is_flag:
        return str(option.opts[-1])
    return f"{option.opts[-1]} {option.metavar or option.name.upper()}"


if __name__ == "__main__":
    sys.stdout.write(page())
