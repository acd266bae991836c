"""Statements of an exchange run out of PostgreSQL's log: all of the shop's, whatever they say of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chaos.adapters import recorder as recorders
from chaos.adapters.recorder import Recorder, queries, together
from chaos.errors import LabBroken
from chaos.model.exchange import PlanRead

AT = "2026-11-28 10:00:00.500 UTC"
TAGGED = "SELECT 1 /*request='r-1',route='/api/events/',line='views.py:3',at='EventList'*/"


def entry(message: str, **more: Any) -> dict[str, Any]:
    return {"timestamp": AT, "pid": 7, "user": "shop", "dbname": "shop_naive", "message": message, **more}


def test_a_statement_has_its_start_its_comment_and_its_line() -> None:
    (query,) = queries(iter([entry(f"duration: 100.000 ms  statement: {TAGGED}")]))
    assert (query.sql, query.request, query.line) == ("SELECT 1", "r-1", "views.py:3 EventList")
    assert query.at_unix_s == 1795860000.4
    assert query.took_ms == 100.0


def test_what_carries_no_comment_counts_all_the_same() -> None:
    found = list(
        queries(
            iter(
                [
                    entry("duration: 0.1 ms  statement: SELECT 2"),
                    entry("duration: 0.1 ms  execute <unnamed>: SELECT $1", detail="Parameters: $1 = 'x'"),
                    entry("duration: 0.1 ms  bind <unnamed>: SELECT $1"),
                    entry("duration: 0.1 ms  parse <unnamed>: SELECT $1"),
                    entry("connection authorized: user=shop"),
                ]
            )
        )
    )
    assert [query.sql for query in found] == ["SELECT 2", "SELECT $1"]
    assert found[1].detail == "Parameters: $1 = 'x'"


def test_a_statement_that_failed_counts() -> None:
    failed = entry('column "x" does not exist', error_severity="ERROR", state_code="42703", statement="SELECT x")
    (query,) = queries(iter([failed]))
    assert (query.sql, query.error) == ("SELECT x", '42703 column "x" does not exist')


def test_no_secret_is_kept() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjo3MX0.c2ln"
    (query,) = queries(iter([entry(f"duration: 1 ms  statement: SELECT '{token}'", detail=f"$1 = '{token}'")]))
    assert token not in query.sql + query.detail


def test_too_many_statements_are_no_single_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "MOST_QUERIES", 2)
    with pytest.raises(LabBroken, match="more than 2 statements"):
        list(queries(iter([entry("duration: 1 ms  statement: SELECT 1")] * 3)))


class _Postgres:
    """A log whose writer is slow: each look shows one line more."""

    ours = ("firedrill", "firedrill_reader")

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self._lines, self._shown, self.said = lines, 0, ""

    def mark(self, text: str) -> None:
        self._lines.append(entry(f"duration: 0.1 ms  statement: SELECT '{text}'", user="firedrill"))

    def log_entries(self) -> Iterator[dict[str, Any]]:
        self._shown += 1
        yield from self._lines[: self._shown]


def test_the_log_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "POLL_S", 0.0)
    lines = [entry(f"duration: 1 ms  statement: SELECT {n}") for n in range(4)]
    found = Recorder(_Postgres(lines), object()).queries()  # type: ignore[arg-type]
    assert [query.sql for query in found] == ["SELECT 0", "SELECT 1", "SELECT 2", "SELECT 3"]


def test_a_log_that_never_gets_there_is_no_witness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "POLL_S", 0.0)
    monkeypatch.setattr(recorders, "PATIENCE_S", 0.0)
    lines = [entry("duration: 1 ms  statement: SELECT 1")] * 1000
    with pytest.raises(LabBroken, match="got no end of its log"):
        Recorder(_Postgres(lines), object()).queries()  # type: ignore[arg-type]


def test_a_connection_that_calls_itself_the_labs_is_the_shops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "POLL_S", 0.0)
    lines = [
        entry("duration: 1 ms  statement: SELECT 'hidden'", application_name="firedrill"),
        entry("duration: 1 ms  statement: SELECT 'the lab'", user="firedrill_reader"),
    ]
    found = Recorder(_Postgres(lines), object()).queries()  # type: ignore[arg-type]
    assert [query.sql for query in found] == ["SELECT 'hidden'"]


def test_a_list_that_is_read_a_few_rows_at_a_time_is_read_whole() -> None:
    def plan(text: str, read: int, returned: int, error: str = "") -> PlanRead:
        return PlanRead(exchange="x", sql=text, rows_read=read, rows_returned=returned, error=error)

    chunks = [plan(f"SELECT a FROM t WHERE b > {n} LIMIT 40", 40, 40) for n in range(10)]
    counts = [plan("SELECT COUNT(*) FROM t", 400, 1), plan("SELECT COUNT(*) FROM t", 400, 1)]
    found = together([*chunks, *counts, plan("SELECT a FROM u", 0, 0, error="no")])
    assert [(one.rows_read, one.rows_returned, one.error) for one in found] == [
        (400, 40, ""),
        (800, 1, ""),
        (0, 0, "no"),
    ]
