"""launch runs before the packages of the virtual environment may be used: it imports the standard library only."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LAUNCH = Path(__file__).resolve().parents[3] / "launch"
KNOWN = {*sys.stdlib_module_names, "launch"}


def foreign(source: str) -> Iterator[str]:
    """Modules that are imported and are neither launch's own nor in the standard library."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        else:
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (name for name in names if name.partition(".")[0] not in KNOWN)


@pytest.mark.parametrize("path", sorted(LAUNCH.rglob("*.py")), ids=lambda path: path.name)
def test_launch_imports_the_standard_library_only(path: Path) -> None:
    assert list(foreign(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("line", ["import httpx", "def f():\n    from chaos.files import write_atomic"])
def test_anything_else_is_seen(line: str) -> None:
    assert list(foreign(line))
