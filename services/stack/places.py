"""Where in a file a class, function, method or field is. Pure."""

from __future__ import annotations

import ast
import difflib
from typing import NamedTuple

from services.stack.bank import At


class Span(NamedTuple):
    """Lines, both included, from 1."""

    first: int
    last: int


def span(text: str, at: At) -> Span | None:
    """The lines of *at* in *text*; None when there is no such place, or none of its lines has the text of *at*.

    For a field that a serializer does not declare, it is the line on which its `Meta` lists it.
    """
    found = _named(ast.parse(text).body, at.place.split("."))
    if found is None or not at.text:
        return found
    lines = text.split("\n")
    number = next((n for n in range(found.first, found.last + 1) if at.text in lines[n - 1]), None)
    return None if number is None else Span(number, number)


def _named(body: list[ast.stmt], names: list[str]) -> Span | None:
    name, *rest = names
    for node in body:
        match node:
            case ast.ClassDef() if node.name == name:
                if not rest:
                    return Span(node.lineno, node.lineno)
                return _named(node.body, rest) or _listed(node.body, rest)
            case ast.FunctionDef() if node.name == name and not rest:
                start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                return Span(start, node.end_lineno or start)
            case ast.Assign() | ast.AnnAssign() if name in _targets(node) and not rest:
                return Span(node.lineno, node.end_lineno or node.lineno)
    return None


def _targets(node: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _listed(body: list[ast.stmt], names: list[str]) -> Span | None:
    meta = next((node for node in body if isinstance(node, ast.ClassDef) and node.name == "Meta"), None)
    for node in ast.walk(meta) if meta is not None and len(names) == 1 else ():
        if isinstance(node, ast.Constant) and node.value == names[0]:
            return Span(node.lineno, node.lineno)
    return None


def added(before: str, after: str) -> list[Span]:
    """The lines of *after* that are not in *before*; where lines were only removed, the line that follows them."""
    old, new = before.splitlines(), after.splitlines()
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [Span(start + 1, max(end, start + 1)) for tag, _, _, start, end in blocks if tag != "equal"]
