"""Drill 4's deliverable: the endpoints with who got which answer, the life of a token, and the learner's own tests."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from chaos.drills.deliverables import parts
from chaos.drills.deliverables.work import ATTEMPT, Work, Written
from chaos.evidence.history import History
from chaos.files import write_atomic
from chaos.model.history import Operation
from chaos.report.markdown import cell, code, table

MATRIX: Final = "auth/access-matrix"
ROLES: Final = ("anonymous", "customer", "support", "admin")
MOST_CELLS: Final = 5_000


def write(to: Path, work: Work) -> Written:
    """`endpoints.md`. Raises: OSError."""
    path = to / "endpoints.md"
    write_atomic(path, parts.document(_lines(work)))
    return Written(paths=[path])


def _lines(work: Work) -> Iterator[str]:
    yield from parts.head(work, "tested, secure endpoints")
    yield from _matrix(work)
    yield from parts.shown(work)
    yield from _tests(work)
    yield from parts.words(work)
    yield from parts.changed(work)
    yield from parts.diff(work)


def _matrix(work: Work) -> Iterator[str]:
    yield from ("", "## Who got which answer", "")
    folder = work.fresh.run_of(MATRIX) if work.fresh else None
    if folder is None:
        yield "Not asked: there is no run of the matrix."
        return
    yield f"Run {code(folder.name)}. Statuses as answered in any phase; 0 is no answer. **Bold**: not expected."
    found: dict[tuple[str, str], dict[str, list[Operation]]] = defaultdict(lambda: defaultdict(list))
    for op in History.of_run(folder):
        place, _, name = op.key.partition(" ")
        words = name.split(" ", 2)
        if op.op not in ("matrix", "matrix_more") or not place or len(words) < len(("method", "endpoint", "who")):
            continue
        if len(found) < MOST_CELLS:
            found[words[1], words[0]][words[2]].append(op)
    columns = ("endpoint", "method", *ROLES, "refused tokens")
    yield from table(columns, [_row(*key, by_who) for key, by_who in sorted(found.items())], escape=str)


def _row(endpoint: str, method: str, by_who: Mapping[str, Sequence[Operation]]) -> tuple[str, ...]:
    others = [op for who, ops in by_who.items() if who not in ROLES for op in ops]
    return (
        code(endpoint).replace("|", "\\|"),
        cell(method),
        *(_answers(by_who.get(role, ())) for role in ROLES),
        _answers(others),
    )


def _answers(ops: Sequence[Operation]) -> str:
    """`200` or `**500**, 401`; `-` where nobody asked."""
    right = {op.status: not op.expects or str(op.status) in op.expects.split() for op in ops}
    return ", ".join(str(status) if fits else f"**{status}**" for status, fits in sorted(right.items())) or "-"


def _tests(work: Work) -> Iterator[str]:
    yield from ("", "## The learner's own tests", "")
    names = list(_names(work.shop / ATTEMPT / "tests"))
    yield f"{len(names)} in `tests/`; whether they are green here and red on {code(work.base)} is in the table above."
    yield ""
    yield from (f"- {code(name)}" for name in names)


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("test_*.py")):
        try:
            tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError):
            yield f"{path.name}: can't be read"
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
                yield f"{path.name}::{node.name}"
