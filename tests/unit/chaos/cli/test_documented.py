"""README and docs against the commands that exist."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos.cli.app import load
from chaos.cli.commands import COMMANDS
from chaos.cli.reference import page

CHECKOUT = Path(__file__).resolve().parents[4]
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
CODE = re.compile(r"^```[^\n]*\n(?P<block>.*?)^```|`(?P<words>[^`\n]+)`", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"(?<![\w/-])(?:\S*/)?firedrill (?P<words>[a-z][^\n|#;&>]*)")


def calls(text: str) -> Iterator[list[str]]:
    """The words after each `firedrill` in code of a page."""
    for code in CODE.finditer(text):
        for call in CALL.finditer(code["block"] or code["words"]):
            yield call["words"].split()


def problem(words: list[str]) -> str:
    """Why such a call can't be made; empty when it can."""
    name, *rest = words
    if name not in COMMANDS:
        return f"{name}: got no such command, expected one of {', '.join(COMMANDS)}"
    command: Any = load(name)
    if subcommands := getattr(command, "commands", None):
        if not rest or rest[0] not in subcommands:
            return f"{name}: got {rest[:1]}, expected one of {', '.join(subcommands)}"
        command, rest = subcommands[rest[0]], rest[1:]
    if command.context_settings.get("ignore_unknown_options"):
        return ""  # they are another program's
    known = {option for each in command.params for option in each.opts} | {"--help"}
    unknown = {word.partition("=")[0] for word in rest if word.startswith("-")} - known
    return f"{' '.join(words)}: got {', '.join(sorted(unknown))}, expected one of {known}" if unknown else ""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(CHECKOUT).as_posix())
def test_what_is_documented_exists(path: Path) -> None:
    assert [found for words in calls(path.read_text()) if (found := problem(words))] == []


def test_calls_are_found_and_judged() -> None:
    text = "`firedrill dance`\n```sh\n.venv/bin/firedrill run x --sed 3 # firedrill fly\n```\nfiredrill is prose"
    found = list(calls(text))
    assert found == [["dance"], ["run", "x", "--sed", "3"], ["fly"]]
    assert problem(found[0]).startswith("dance: got no such command")
    assert problem(found[1]).startswith("run x --sed 3: got --sed, expected one of ")
    assert problem(["attempt", "dance"]).startswith("attempt: got ['dance'], expected one of start")
    assert problem(["run", "x", "--seed", "3"]) == problem(["attempt", "manage", "--any"]) == ""


def test_every_command_is_documented() -> None:
    """Written by `python -m chaos.cli.reference > docs/operate/commands.md`."""
    assert (CHECKOUT / "docs" / "operate" / "commands.md").read_text() == page()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says(name: str) -> None:
    """`firedrill --help` imports no command, so its lines are written down beside the names."""
    assert inspect.cleandoc(load(name).help).splitlines()[0] == COMMANDS[name].about
