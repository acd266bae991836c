"""Statements of the database's log: how many queries a text is, and which of them are the same."""

from __future__ import annotations

import pytest

from chaos.model import sql
from chaos.model.sql import fingerprint, queries


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("SELECT 1", 1),
        ("SELECT 1; SELECT 2; SELECT 3", 3),  # one text of the log, three queries
        ("SELECT ';' , \"a;b\", $$ ; $$, $x$ ; $x$, E'\\';' FROM t", 1),
        ("SELECT 1 /* ; SELECT 2 */ -- ; SELECT 3", 1),
        ("BEGIN", 0),
        ("COMMIT", 0),
        ("SAVEPOINT s1", 0),
        ('RELEASE SAVEPOINT "s1_x"', 0),
        ("SET TIME ZONE 'UTC'", 0),
        ("SELECT set_config('TimeZone', 'UTC', false)", 0),
        ("SELECT set_config('TimeZone', 'UTC', false), (SELECT count(*) FROM t)", 1),
        ("SET x = 1; SELECT 1", 1),
        ("BEGIN; SELECT 1; COMMIT", 1),
        ("INSERT INTO t VALUES (1)", 1),
        ("WITH a AS (SELECT 1) SELECT * FROM a", 1),
        ("", 0),
        (";;", 0),
        ("SELECT 'it''s'; SELECT 2", 2),
        ("SELECT 1 - 2 / 3", 1),
    ],
)
def test_how_many_queries_a_text_is(text: str, count: int) -> None:
    assert queries(text) == count


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("SELECT a FROM t WHERE id = 7", "SELECT a FROM t WHERE id = 12", True),
        ("SELECT a FROM t WHERE id IN (1, 2)", "SELECT a FROM t WHERE id IN (1, 2, 3)", True),
        ("SELECT a FROM t WHERE n = 'x'", "SELECT a  FROM t WHERE n = 'y'", True),
        ("SELECT a FROM t /* request='1' */", "SELECT a FROM t", True),
        ("SELECT a FROM t1", "SELECT a FROM t2", False),
        ("SELECT a FROM t LIMIT 5", "SELECT b FROM t LIMIT 5", False),
    ],
)
def test_values_are_no_part_of_a_fingerprint(one: str, other: str, same: bool) -> None:
    assert (fingerprint(one) == fingerprint(other)) is same


@pytest.mark.parametrize(
    ("statement", "detail", "reads"),
    [
        ('SELECT "a" FROM t OFFSET 20', "", 'SELECT "a" FROM t OFFSET 20'),
        ("select a from t limit 10 offset 20", "", "select a from t limit 10 offset 20"),
        ("SELECT 'one offset 2', \"offset\" FROM t", "", "SELECT 'one offset 2', \"offset\" FROM t"),
        ('DECLARE "c_1" NO SCROLL CURSOR WITH HOLD FOR SELECT a FROM t', "", "SELECT a FROM t"),
        ("declare c cursor for with x as (select 1) select * from x", "", "with x as (select 1) select * from x"),
        ("COPY (SELECT a FROM t) TO STDOUT", "", "SELECT a FROM t"),
        (
            "SELECT a FROM t WHERE b = $1 AND c = '$1' AND d = $10 LIMIT $2",
            "Parameters: $1 = 'it''s, $2 = ''x''', $2 = '5', $10 = NULL",
            "SELECT a FROM t WHERE b = 'it''s, $2 = ''x''' AND c = '$1' AND d = NULL LIMIT '5'",
        ),
        ("(SELECT a FROM t) UNION (SELECT b FROM u)", "", "(SELECT a FROM t) UNION (SELECT b FROM u)"),
        ("SELECT a FROM t FOR UPDATE SKIP LOCKED", "", "SELECT a FROM t"),
        ('SELECT a FROM t LIMIT 2 FOR NO KEY UPDATE OF "t", u NOWAIT', "", "SELECT a FROM t LIMIT 2"),
        ("SELECT 'x FOR UPDATE'", "", "SELECT 'x FOR UPDATE'"),
        ("FETCH FORWARD 100 FROM c", "", ""),
        ("UPDATE t SET a = (SELECT 1)", "", ""),
        ("BEGIN", "", ""),
        ("COPY t FROM STDIN", "", ""),
    ],
)
def test_what_reads_in_a_statement_can_be_explained_alone(statement: str, detail: str, reads: str) -> None:
    assert sql.read_by(statement, detail) == reads
