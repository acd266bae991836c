"""The imports of a composed text: each name once, only those that are used, in the usual order."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Sequence
from typing import Final

_WIDTH: Final = 120


def imports(statements: Iterable[str], body: Sequence[str]) -> list[str]:
    """Lines that import the names of *statements* that *body* uses. Raises: SyntaxError when either is no Python."""
    used = {node.id for node in ast.walk(ast.parse("\n".join(body))) if isinstance(node, ast.Name)}
    plain: set[str] = set()
    named: dict[tuple[int, str], set[str]] = {}
    for node in ast.parse("\n".join(statements)).body:
        if isinstance(node, ast.Import):
            plain |= {alias.name for alias in node.names if alias.name.partition(".")[0] in used}
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names if alias.name in used}
            named.setdefault((node.level, node.module or ""), set()).update(names)
    lines = [(_section(0, name), 0, (0, name), f"import {name}") for name in plain]
    lines += [
        (_section(level, module), 1, (-level, module), _from(level, module, names))
        for (level, module), names in named.items()
        if names
    ]
    found: list[str] = []
    section = None
    for line in sorted(lines):
        if section is not None and line[0] != section:
            found.append("")
        section = line[0]
        found += line[3].split("\n")
    return found


def _section(level: int, module: str) -> int:
    if level:
        return 2
    return 0 if module.partition(".")[0] in sys.stdlib_module_names else 1


def _from(level: int, module: str, names: set[str]) -> str:
    listed = sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    line = f"from {'.' * level}{module} import {', '.join(listed)}"
    if len(line) <= _WIDTH:
        return line
    return f"from {'.' * level}{module} import (\n" + "".join(f"    {name},\n" for name in listed) + ")"
