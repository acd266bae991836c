"""A verdict is known by its type: no dictionary of one is read, and one place says which findings are about the run.

mypy refuses a subscript into a VerdictDocument. What it can't see is a dictionary of the same content. There are two
ways to one: reading verdict.json without its type, and `plain`, which is there for writing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.model.verdict import FindingKind

TOP = Path(__file__).parents[3]
READER = "chaos/evidence/verdict.py"
READS = {"read_json", "read_bytes", "read_text", "open_regular", "open", "decoded", "decode", "loads", "load",
         "explaining_lines", "lines", "whole_lines", "json_object"}  # fmt: skip
MODEL, PLAIN = "chaos.model.verdict", {"plain", "plain_finding"}
ABOUT_RUN = {kind.value for kind in FindingKind if kind.about_run}


def reads_untyped(tree: ast.AST) -> Iterator[int]:
    """Lines that open verdict.json themselves, also by a name that was given its path in the same function."""
    for scope in ast.walk(tree):
        if isinstance(scope, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
            paths = set() if isinstance(scope, ast.Module) else set(_verdict_paths(scope))
            yield from (node.lineno for node in ast.walk(scope) if isinstance(node, ast.Call) and _opens(node, paths))


def _verdict_paths(scope: ast.AST) -> Iterator[str]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and any(map(_is_verdict_file, ast.walk(node.value))):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _opens(node: ast.Call, paths: set[str]) -> bool:
    inner = list(ast.walk(node))
    named = any(isinstance(each, ast.Name) and each.id in paths for each in inner)
    return _called(node) in READS and (named or any(map(_is_verdict_file, inner)))


def looks_into_plain(tree: ast.AST) -> Iterator[int]:
    """Lines that take something out of what `plain` of the model gave."""
    imported = {
        each.asname or each.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == MODEL
        for each in node.names
        if each.name in PLAIN
    }
    for scope in ast.walk(tree):
        if isinstance(scope, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            given = {name for node in ast.walk(scope) for name in _given_plain(node, imported)}
            looking = (node for node in ast.walk(scope) if _looks_into(node, given, imported))
            yield from (node.lineno for node in looking if isinstance(node, ast.expr))


def lists_kinds_about_the_run(tree: ast.AST) -> Iterator[int]:
    """Lines that list two or more of the kinds that `FindingKind.about_run` is true for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            words = {_word(each) for each in node.elts}
            if len(words & ABOUT_RUN) > 1 and words <= {kind.value for kind in FindingKind}:
                yield node.lineno


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _is_verdict_file(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return node.value == "verdict.json"
    return isinstance(node, ast.Attribute) and ast.unparse(node) == "File.VERDICT"


def _given_plain(node: ast.AST, imported: set[str]) -> Iterator[str]:
    """Names that are bound to what `plain` gave."""
    if isinstance(node, ast.Assign | ast.NamedExpr | ast.AnnAssign) and _is_plain(node.value, imported):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))


def _is_plain(node: ast.AST | None, imported: set[str]) -> bool:
    """`plain(…)` or `verdict.plain(…)`, and a list or tuple of such."""
    match node:
        case ast.ListComp(elt=inner) | ast.GeneratorExp(elt=inner):
            return _is_plain(inner, imported)
        case ast.Tuple(elts=several) | ast.List(elts=several):
            return any(_is_plain(each, imported) for each in several)
        case ast.Call(func=ast.Name(id=name)):
            return name in imported
        case ast.Call(func=ast.Attribute(value=ast.Name(id="verdict"), attr=name)):
            return name in PLAIN
        case _:
            return False


def _looks_into(node: ast.AST, given: set[str], imported: set[str]) -> bool:
    match node:
        case ast.Subscript(value=value) | ast.Call(func=ast.Attribute(value=value, attr="get" | "pop")):
            return _is_plain(value, imported) or (isinstance(value, ast.Name) and value.id in given)
        case _:
            return False


def _word(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "FindingKind":
        return FindingKind[node.attr].value
    return str(node.value) if isinstance(node, ast.Constant) else "?"


def sources() -> list[Path]:
    return [path for package in ("bench", "chaos", "dashboard") for path in sorted((TOP / package).rglob("*.py"))]


def found() -> Iterator[str]:
    """`file:line` of everything that the checks above name."""
    for path in sources():
        where, tree = path.relative_to(TOP).as_posix(), ast.parse(path.read_text("utf-8"))
        lines = {*looks_into_plain(tree)} | ({*reads_untyped(tree)} if where != READER else set())
        if where != "chaos/model/verdict.py":
            lines |= {*lists_kinds_about_the_run(tree)}
        yield from (f"{where}:{line}" for line in sorted(lines))


def test_nobody_subscripts_a_verdict() -> None:
    assert list(found()) == []


@pytest.mark.parametrize(
    "line",
    [
        "read_json(folder / File.VERDICT, dict[str, Any])",
        "growing.json_object(folder / File.VERDICT).get('findings')",
        "(folder / 'verdict.json').read_text()",
        "msgspec.json.decode(read_bytes(folder / File.VERDICT))",
        "def f():\n    path = folder / 'verdict.json'\n    json.loads(path.read_bytes())",
    ],
)
def test_whoever_opens_the_file_is_seen(line: str) -> None:
    assert list(reads_untyped(ast.parse(line)))


@pytest.mark.parametrize(
    "lines",
    [
        "plain(document)['findings']",
        "verdict.plain(document).get('findings')",
        "said = plain(document)\nsaid['verdict']",
        "def f(): return {name: said[name] for name in names} if (said := plain(document)) else {}",
        "both = [plain(each) for each in documents]\nboth[0]",
    ],
)
def test_whoever_looks_into_a_plain_one_is_seen(lines: str) -> None:
    assert list(looks_into_plain(ast.parse(f"from chaos.model.verdict import plain\n{lines}")))


@pytest.mark.parametrize(
    "line",
    [
        "kind in ('self_check', 'witness', 'fault', 'steady_state')",
        "frozenset({'fault', 'witness'})",
        "[FindingKind.FAULT, FindingKind.SELF_CHECK]",
    ],
)
def test_a_second_list_of_kinds_about_the_run_is_seen(line: str) -> None:
    assert list(lists_kinds_about_the_run(ast.parse(line)))
