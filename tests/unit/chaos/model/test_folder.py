"""Names of the files in a run's folder stand in `chaos.model.folder` alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.model.folder import EXCHANGES_GROWING, HISTORY, File

TOP = Path(__file__).resolve().parents[4]
NAMES = {*map(str, File), EXCHANGES_GROWING, HISTORY}
HOME = "chaos/model/folder.py"
OTHERS = {
    ("bench/stack_ready.py", "world.json"),
    ("chaos/cli/commands/try_out.py", "world.json"),
    ("chaos/cli/commands/watch.py", "world.json"),
    ("chaos/drills/contract_audit.py", "world.json"),
    ("chaos/drills/own_tests.py", "world.json"),
    ("chaos/drills/own_tests.py", "junit.xml"),
}
"""Files of the same name that are in no run's folder: of a shop that was only started, and pytest's own report."""


def spelt(source: str) -> Iterator[tuple[int, str]]:
    """Line and name, where one stands behind a slash: `folder / "state.json"`, `glob("*/state.json")`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.right, ast.Constant):
            if node.right.value in NAMES:
                yield node.lineno, str(node.right.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value.split()) == 1:
            name = node.value.rpartition("/")
            if name[1] and name[2] in NAMES:
                yield node.lineno, name[2]


def test_each_name_has_one_home() -> None:
    found = {
        (path.relative_to(TOP).as_posix(), name)
        for package in ("bench", "chaos", "dashboard", "loadtests")
        for path in (TOP / package).rglob("*.py")
        for _, name in spelt(path.read_text("utf-8"))
    }
    assert {each for each in found if each[0] != HOME} == OTHERS


@pytest.mark.parametrize(
    "line",
    ['folder / "verdict.json"', 'root.glob("*/journal.jsonl")', 'folder / "history" / name', 'f"{folder}/report.md"'],
)
def test_a_second_one_is_seen(line: str) -> None:
    assert list(spelt(line))
