"""A kind is known by what it declares: nobody else compares its name or looks it up by it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.faults import KINDS as FAULTS
from chaos.invariants import KINDS as INVARIANTS
from chaos.probes import KINDS as PROBES

TOP = Path(__file__).parents[3]
KINDS = {"faults": FAULTS, "invariants": INVARIANTS, "probes": PROBES}
NAMES = {name for kinds in KINDS.values() for name in kinds}
# `latency` is also a kind of histogram; nothing is known of the probe there.
HISTOGRAMS = {("chaos/evidence/histograms.py", "latency"), ("dashboard/details.py", "latency")}


def named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Lines that compare a word with the `kind`, `name` or `check` of something, or look it up among the kinds."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            asked = {word for side in sides for word in _asks(side)}
            if asked & {"kind", "kinds", "name", "check", "inject", "invariant", "probe"}:
                yield from ((node.lineno, text) for side in sides for text in _texts(side))
        elif isinstance(node, ast.Subscript) and {"KINDS", "FAULTS", "PROBES", "INVARIANTS"} & _asks(node.value):
            yield from ((node.lineno, text) for text in _texts(node.slice))


def _asks(node: ast.AST) -> set[str]:
    found = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    return found | {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _texts(node: ast.AST) -> set[str]:
    return {each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def sources() -> list[Path]:
    return [path for package in ("chaos", "dashboard", "loadtests") for path in sorted((TOP / package).rglob("*.py"))]


def naming(path: Path) -> list[str]:
    """`file:line: name` for every kind that *path* names and that is not its own."""
    where = path.relative_to(TOP).as_posix()
    return [
        f"{where}:{line}: {name}"
        for line, name in named(ast.parse(path.read_text("utf-8")))
        if name in NAMES and path.stem != name and (where, name) not in HISTOGRAMS
    ]


def test_no_module_names_a_kind_of_another_file() -> None:
    assert [found for path in sources() for found in naming(path)] == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('fault.kind == "kill"', "kill"),
        ('kinds == {"pause", "kill"}', "pause"),
        ('fault.kind in ("down",)', "down"),
        ('KINDS["latency"]', "latency"),
        ('"no_oversell" != check.invariant.name', "no_oversell"),
    ],
)
def test_what_names_a_kind_is_seen(line: str, name: str) -> None:
    assert name in {found for _, found in named(ast.parse(line))}
