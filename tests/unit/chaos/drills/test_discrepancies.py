"""The learner's table: what is read, and what is said of what can't be."""

from __future__ import annotations

import pytest

from chaos.drills.discrepancies import read
from chaos.errors import InvalidInput
from chaos.model.audit import MOST_ROWS
from chaos.model.deviation import Place

OPERATIONS = ("GET /api/events/", "GET /api/events/{slug}/", "POST /api/orders/")
HEAD = "| operation | where | kind | promised | served | code |\n|---|---|---|---|---|---|\n"
GOOD = "| GET /api/events/ | response title | type | text | a number | serializers.py:12 |\n"


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        read(text, "list.md", operations=OPERATIONS)
    return list(caught.value.problems)


def test_a_row_is_read() -> None:
    (row,) = read(f"# Found\n\nSome words.\n\n{HEAD}{GOOD}", "list.md", operations=OPERATIONS)
    assert (row.line, row.operations, row.every) == (7, {"GET /api/events/"}, False)
    assert (row.place, row.kind, row.code) == (Place("response", ("title",)), "type", "serializers.py:12")


def test_several_operations_and_all_of_them() -> None:
    text = (
        HEAD
        + "| get /api/events, `GET /api/events/{id}/` | status | Status | 1 | 2 | |\n| * | status | status | 1 | 2 | |"
    )
    some, every = read(text, "list.md", operations=OPERATIONS)
    assert some.operations == {"GET /api/events/", "GET /api/events/{}/"}
    assert (every.every, len(every.operations)) == (True, 3)


def test_a_pipe_inside_a_cell() -> None:
    (row,) = read(HEAD + GOOD.replace("a number", r"a \| b"), "list.md", operations=OPERATIONS)
    assert row.served == "a | b"


def test_comments_and_code_are_no_tables() -> None:
    text = f"<!--\n{HEAD}{GOOD}-->\n```\n{HEAD}{GOOD}```\n\n{HEAD}{GOOD}"
    (row,) = read(text, "list.md", operations=OPERATIONS)
    assert row.line == 14


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("| a | b |", "list.md:3: got 2 cells, expected 6 (a pipe inside a cell is written \\|)"),
        (GOOD.replace("a number", "a | b"), "list.md:3: got 7 cells, expected 6"),
        (GOOD.replace("/api/events/", "/api/nowhere/"), "operation: got 'GET /api/nowhere/', expected METHOD /path/"),
        (GOOD.replace("GET /api/events/", ""), "operation: got nothing"),
        (GOOD.replace("response title", "the title"), "where: got 'the title', expected response, request"),
        (GOOD.replace("| type |", "| wrong |"), "kind: got 'wrong', expected one of type, null"),
        (GOOD.replace("a number", " "), "served: got nothing, expected a few words"),
    ],
)
def test_a_row_that_can_t_be_read(row: str, expected: str) -> None:
    (problem,) = problems(HEAD + row)
    assert expected in problem
    assert problem.startswith("list.md:3: ")


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert len(problems(HEAD + "| x | y | z | | | |\n| a |\n")) == 6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "list.md: got no table, expected one table with the columns operation | where"),
        (HEAD, "list.md: got a table without rows, expected one for each discrepancy"),
        ("| what | where |\n|---|---|\n", "list.md:1: got the columns what, where, expected one table"),
        (f"{HEAD}{GOOD}\n{HEAD}{GOOD}", "list.md:5: got a second table"),
        (HEAD + GOOD * (MOST_ROWS + 1), f"list.md: got {MOST_ROWS + 1} rows, expected at most"),
        (HEAD + GOOD + "x" * 2**20, "expected at most 1048576"),
    ],
)
def test_a_list_that_is_none(text: str, expected: str) -> None:
    assert any(expected in problem for problem in problems(text))
