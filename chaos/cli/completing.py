"""What each command takes, for completion: `python -m chaos.cli.completing > chaos/cli/shapes.json`.

From the commands themselves, as docs/operate/commands.md is; a test holds the file to them.
"""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import Any, Final, Literal, get_args, get_origin

from chaos.cli.app import load
from chaos.cli.commands import COMMANDS
from chaos.cli.groups import GROUPS
from chaos.drills.catalogue import PARTS
from chaos.load.contract import reference
from chaos.model.conform import Contract
from chaos.model.exchange import IDENTITIES

_KINDS: Final = {
    "scenario": "scenario",
    "scenarios": "scenario",
    "RUN": "run",
    "[RUN] [CHECK]": "run and check",
    "[RUN] [TEXT]…": "run",
    "[A] [B]": "run",
    "[RUN] SCHEDULE": "run",
    "run": "run",
    "before": "run",
    "variant": "variant",
    "drill": "drill",
    "DRILL": "drill",
}
"""By what a parameter is called, or else by its name."""


def shapes() -> dict[str, Any]:
    """Command → what it is, its options, its words, its subcommands."""
    known = {"operation": sorted(Contract(reference()).names), "part": [*PARTS, "all"], "who": list(IDENTITIES)}
    about = {name: line for commands in GROUPS.values() for name, line in commands.items()}
    return {"commands": {name: _command(load(name), known) | {"about": about.get(name, "")} for name in COMMANDS}}


def _command(command: Any, known: dict[str, list[str]]) -> dict[str, Any]:
    if subcommands := getattr(command, "commands", None):
        return {
            "about": "",
            "commands": {
                name: _command(each, known) | {"about": each.get_short_help_str(70)}
                for name, each in subcommands.items()
            },
        }
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option"]
    return {
        "about": "",
        "options": {
            each.opts[-1]: {"takes": None if each.is_flag else _takes(each, known), "about": each.help or ""}
            for each in options
        },
        "words": [_takes(each, known) for each in arguments],
    }


def _takes(param: Any, known: dict[str, list[str]]) -> str | list[str]:
    """A kind, the very words, or nothing to say."""
    written = param.type_descriptor.annotation
    if get_origin(written) is Literal:
        return list(get_args(written))
    if isinstance(written, type) and issubclass(written, StrEnum):
        return [str(each) for each in written]
    return known.get(param.name) or _KINDS.get(param.metavar or "") or _KINDS.get(param.name, "")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(shapes(), indent=1, ensure_ascii=False) + "\n")
