"""The page on architecture names every module of 300 lines or more, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
PAGE = TOP / "docs" / "extend" / "architecture.md"
ROW = re.compile(r"^\| `(?P<module>[\w/]+\.py)` \| (?P<why>.+) \|$", re.MULTILINE)
MOST_LINES = 300
NOT_OURS = re.compile(r"services/shop/(attempt|review|mutant_\w+|draft_\w+|variants)/")
"""Code of the learner, and what the lab makes of patches."""


def rows() -> dict[str, str]:
    """Module → why it stays whole, or where to cut it."""
    section = PAGE.read_text("utf-8").partition("## Modules over 300 lines\n")[2].partition("\n## ")[0]
    return {row["module"]: row["why"] for row in ROW.finditer(section)}


def long_modules() -> list[str]:
    folders = ("bench", "chaos", "dashboard", "launch", "loadtests", "services")
    found = (path for folder in folders for path in (TOP / folder).rglob("*.py"))
    names = {path.relative_to(TOP).as_posix(): path for path in found}
    return sorted(
        name
        for name, path in names.items()
        if not NOT_OURS.match(name) and len(path.read_text("utf-8").splitlines()) >= MOST_LINES
    )


def test_the_table_is_as_long_as_it_has_to_be() -> None:
    assert list(rows()) == long_modules()


@pytest.mark.parametrize(("module", "why"), rows().items(), ids=list(rows()))
def test_what_a_row_names_is_there(module: str, why: str) -> None:
    """The places of cuts."""
    text = (TOP / module).read_text("utf-8")
    assert [name for name in re.findall(r"`(\w+)`", why) if name not in text] == []
