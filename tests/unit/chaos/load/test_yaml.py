"""libyaml's parser, which is the faster one, changes nothing of what PyYAML's own reads, and no complaint.

It reads a little more than that one: tabs between words, a `?` within a word.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chaos.errors import InvalidInput
from chaos.load import all_scenarios
from chaos.load import yaml as loading
from chaos.load.yaml import Document, parse
from tests.unit.chaos.scenarios import GOOD

DEEP = ("[", "{", "- ", "? ", "[{a: ")


def told(text: str, *, faster: bool) -> Any:
    """What a text is found to be, or the complaint about it."""
    with pytest.MonkeyPatch.context() as patched:
        if not faster:
            patched.setattr(loading, "_FASTER", None)
        try:
            return parse(text, "here")
        except InvalidInput as error:
            return error.problems


def test_libyaml_is_there() -> None:
    """Where it is missing, every test below compares PyYAML's parser with itself."""
    assert yaml.__with_libyaml__
    assert loading._FASTER is not None


@pytest.mark.parametrize("path", all_scenarios(), ids=lambda path: path.stem)
def test_both_read_a_scenario_alike(path: Path) -> None:
    """Values and lines."""
    text = path.read_text("utf-8")
    assert told(text, faster=True) == told(text, faster=False)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(GOOD)), st.integers(0, 6), st.text(max_size=6))
@example(8, 0, "\ud800")
@example(8, 0, "\0")
def test_both_read_a_damaged_one_alike(at: int, without: int, put: str) -> None:
    text = GOOD[:at] + put + GOOD[at + without :]
    found, expected = told(text, faster=True), told(text, faster=False)
    assert found == expected or (isinstance(expected, tuple) and isinstance(found, Document))


@pytest.mark.parametrize("opening", DEEP)
def test_a_deep_one_ends_no_process(opening: str) -> None:
    assert told(opening * 100_000, faster=True) == (
        "here: got lists or mappings nested without end, expected a scenario",
    )
