"""The access matrix: who gets which answer from which endpoint. Parses `scenarios/auth/access-matrix.md`. Pure.

The file is a table of Markdown, to be read by people: one row per endpoint and method, one column per kind of caller.
A cell holds the allowed statuses, such as `200` or `202 409`; a cell with `-` is not tested.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

TABLE: Final = "scenarios/auth/access-matrix.md"  # from the checkout's top
ROLES: Final = ("anonymous", "customer", "support", "admin")
REFUSED: Final = "bad token"  # the column of callers whose token must be refused
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
PARAMETERS: Final = ("slug", "order", "foreign_order", "tier")
HEADER: Final = ("endpoint", "method", *ROLES, REFUSED)
NOT_ASKED: Final = "-"

_PARAMETER = re.compile(r"\{(\w*)\}")
_RULE = re.compile(r":?-+:?")
_ENDPOINT = re.compile(r"/[\w/{}.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row.

    Attributes:
        line: Line number in the file, from 1.
        endpoint: With parameters by name: `/api/orders/{order}/`.
        statuses: Role, or `bad token` → allowed statuses; columns that are not tested are absent.
    """

    line: int
    endpoint: str
    method: str
    statuses: dict[str, tuple[int, ...]]

    @property
    def template(self) -> str:
        """The endpoint as the resolver names it: `/api/orders/{}/`."""
        return _PARAMETER.sub("{}", self.endpoint)


class TableError(ValueError):
    """The table can't be used.

    Attributes:
        problems: Each `line N: got X, expected Y`.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def parse(text: str) -> tuple[Row, ...]:
    """The rows of the table in *text*. Raises: TableError, with every problem at once."""
    rows: list[Row] = []
    problems: list[str] = []
    lines = [
        (number, _cells(line)) for number, line in enumerate(text.splitlines(), 1) if line.lstrip().startswith("|")
    ]
    if not lines or tuple(lines[0][1]) != HEADER:
        got = f"line {lines[0][0]}: got {' | '.join(lines[0][1])}" if lines else "line 1: got no table"
        raise TableError([f"{got}, expected the columns {' | '.join(HEADER)}"])
    for number, cells in lines[1:]:
        if all(_RULE.fullmatch(cell) for cell in cells):
            continue
        wrong = [f"line {number}: {problem}" for problem in _problems(cells)]
        problems += wrong
        if not wrong:
            statuses = {name: _statuses(cell) for name, cell in zip(HEADER[2:], cells[2:], strict=True)}
            asked = {name: found for name, found in statuses.items() if found}
            rows.append(Row(line=number, endpoint=cells[0], method=cells[1], statuses=asked))
    problems += _twice(rows)
    if not rows and not problems:
        problems = ["line 1: got a table without rows, expected one per endpoint and method"]
    if problems:
        raise TableError(problems)
    return tuple(rows)


def unserved(rows: Collection[Row], routes: Collection[str], *, where: str, variant: str) -> list[str]:
    """Rows for endpoints that *variant* does not serve, as complaints."""
    served = ", ".join(sorted(routes))
    return [
        f"{where}:{row.line}: got the endpoint {row.endpoint}, expected one that {variant} serves ({served})"
        for row in rows
        if row.template not in routes
    ]


def unlisted(rows: Collection[Row], routes: Collection[str]) -> list[str]:
    """Endpoints that are served and have no row."""
    return sorted(set(routes) - {row.template for row in rows})


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]


def _problems(cells: list[str]) -> Iterator[str]:
    if len(cells) != len(HEADER):
        yield f"got {len(cells)} cells, expected {len(HEADER)}"
        return
    if not _ENDPOINT.fullmatch(cells[0]):
        yield f"endpoint: got {cells[0]!r}, expected a path such as /api/orders/{{order}}/"
    for name in _PARAMETER.findall(cells[0]):
        if name not in PARAMETERS:
            yield f"endpoint: got the parameter {{{name}}}, expected one of {', '.join(PARAMETERS)}"
    if cells[1] not in METHODS:
        yield f"method: got {cells[1]!r}, expected one of {', '.join(METHODS)}"
    for name, cell in zip(HEADER[2:], cells[2:], strict=True):
        if _statuses(cell) is None:
            yield f"{name}: got {cell!r}, expected statuses such as 200 or 202 409, or {NOT_ASKED}"


def _statuses(cell: str) -> tuple[int, ...] | None:
    """The statuses in *cell*; None when it holds something else."""
    if cell == NOT_ASKED:
        return ()
    words = cell.split()
    if not words or not all(re.fullmatch(r"[1-5]\d\d", word) for word in words):
        return None
    return tuple(int(word) for word in words)


def _twice(rows: Collection[Row]) -> Iterator[str]:
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        first = seen.setdefault((row.endpoint, row.method), row.line)
        if first != row.line:
            yield f"line {row.line}: got {row.method} {row.endpoint} again, expected it once (line {first})"
