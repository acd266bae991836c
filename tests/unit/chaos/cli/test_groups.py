"""`firedrill --help`: each command in one group, with one line that fits."""

from __future__ import annotations

import pytest

from chaos.cli.commands import COMMANDS
from chaos.cli.groups import GROUPS, page
from tests.unit.chaos.cli.shell import Shell

LISTED = [name for commands in GROUPS.values() for name in commands]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_one_group(name: str) -> None:
    """A new command gets a line in `chaos/cli/groups.py`."""
    assert LISTED.count(name) == 1


def test_every_line_is_of_a_command() -> None:
    assert sorted(set(LISTED) - set(COMMANDS)) == []


def test_the_help_fits_a_terminal(shell: Shell) -> None:
    said = shell("--help")
    assert (said.code, said.err) == (0, "")
    assert "\033" not in said.out
    assert [line for line in said.out.splitlines() if len(line) > 80] == []
    lines = said.out.splitlines()
    assert [group for group in GROUPS if group in lines] == list(GROUPS)
    assert "explain what shows a violation, on one time line" in [" ".join(line.split()) for line in lines]


def test_heads_are_bold_on_a_terminal() -> None:
    assert "\n\033[1mLearn\033[0m\n" in page("About.", {}, styled=True)
