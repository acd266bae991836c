"""The learner's list of discrepancies: a Markdown table, read row by row with the line of each mistake."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from chaos.errors import InvalidInput
from chaos.model.audit import MOST_ROWS, Row
from chaos.model.deviation import FAMILIES, PARTS, normal, place

COLUMNS: Final = ("operation", "where", "kind", "promised", "served", "code")
EVERY: Final = "*"
"""In the column `operation`: every operation."""
MOST_BYTES: Final = 1 << 20
_CELL: Final = re.compile(r"(?<!\\)\|")
_RULE: Final = re.compile(r":?-+:?")


def read(text: str, where: str, *, operations: Collection[str]) -> list[Row]:
    """The rows of the only table with the columns of `COLUMNS`.

    Args:
        operations: `METHOD /path/{parameter}/` of the API.

    Raises:
        InvalidInput: With everything that is wrong, each `where:line: got X, expected Y`.
    """
    if len(text.encode()) > MOST_BYTES:
        raise InvalidInput(f"{where}: got {len(text.encode())} bytes, expected at most {MOST_BYTES}")
    lines = list(_table(text, where))
    known = {normal(one) for one in operations}
    problems: list[str] = []
    rows: list[Row] = []
    for number, cells in lines:
        found = list(_problems(cells, known))
        problems += [f"{where}:{number}: {problem}" for problem in found]
        if not found:
            rows.append(_row(number, cells, known))
    if len(lines) > MOST_ROWS:
        problems.append(f"{where}: got {len(lines)} rows, expected at most {MOST_ROWS}")
    if not lines:
        problems.append(f"{where}: got a table without rows, expected one for each discrepancy")
    if problems:
        raise InvalidInput(problems)
    return rows


def _table(text: str, where: str) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of each row. Raises: InvalidInput without the table, or with two of them."""
    heads: list[int] = []
    inside, fenced, other = False, False, ""
    for number, line in enumerate(_uncommented(text).split("\n"), 1):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        if fenced or not line.strip().startswith("|"):
            inside = False
            continue
        cells = _cells(line)
        if tuple(cell.lower() for cell in cells) == COLUMNS:
            heads.append(number)
            inside = True
        elif inside:
            if not all(_RULE.fullmatch(cell) for cell in cells):
                yield number, cells
        elif not other:
            other = f"{where}:{number}: got the columns {', '.join(cells)}"
    expected = f"expected one table with the columns {' | '.join(COLUMNS)}"
    if not heads:
        raise InvalidInput(f"{other or f'{where}: got no table'}, {expected}")
    if len(heads) > 1:
        raise InvalidInput(f"{where}:{heads[1]}: got a second table, {expected}")


def _uncommented(text: str) -> str:
    """Comments gone, lines kept."""
    return re.sub(r"<!--.*?-->", lambda found: "\n" * found[0].count("\n"), text, flags=re.DOTALL)


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.replace("\\|", "|").strip().strip("`").strip() for cell in _CELL.split(inner)]


def _problems(cells: Sequence[str], known: Collection[str]) -> Iterator[str]:
    if len(cells) != len(COLUMNS):
        yield f"got {len(cells)} cells, expected {len(COLUMNS)} (a pipe inside a cell is written \\|)"
        return
    named = dict(zip(COLUMNS, cells, strict=True))
    for operation in _split(named["operation"]):
        if operation != EVERY and normal(operation) not in known:
            yield f"operation: got {operation!r}, expected METHOD /path/ of the API, or * for all"
    if not named["operation"]:
        yield "operation: got nothing, expected METHOD /path/ of the API, or * for all"
    if place(named["where"]) is None:
        yield f"where: got {named['where']!r}, expected {', '.join(PARTS)}, then which: `response tiers[].price_cents`"
    if named["kind"].lower() not in FAMILIES:
        yield f"kind: got {named['kind']!r}, expected one of {', '.join(FAMILIES)}"
    for column in ("promised", "served"):
        if not named[column]:
            yield f"{column}: got nothing, expected a few words"


def _row(number: int, cells: Sequence[str], known: Collection[str]) -> Row:
    operation, where, kind, promised, served, code = cells
    said, meant = _split(operation), place(where)
    assert meant is not None
    every = EVERY in said
    return Row(
        line=number,
        operations=frozenset(known) if every else frozenset(map(normal, said)),
        every=every,
        where=where,
        place=meant,
        kind=kind.lower(),
        promised=promised,
        served=served,
        code=code,
    )


def _split(cell: str) -> list[str]:
    words = (word.strip().strip("`").strip() for word in re.split(r",|<br\s*/?>", cell))
    return [word for word in words if word]
