"""Statements as PostgreSQL logs them: one line each when it ends, of two requests that buy at the same time."""

from time import process_time

import pytest

from chaos.judge.lost_updates import lost_updates
from chaos.model.trace import MOST_SQL, Statement

READ = 'SELECT … FROM "tier" WHERE "tier"."id" = 1 LIMIT 21'
LOCK = 'SELECT … FROM "tier" WHERE "tier"."id" = 1 LIMIT 21 FOR UPDATE'
A, B = "a", "b"


def save(sold, where='"tier"."id" = 1', more=""):
    return f'UPDATE "tier" SET "name" = \'Front\', "capacity" = 150, "sold" = {sold}{more} WHERE {where}'


LONG = "x" * (MOST_SQL - len(save(2, more=", \"text\" = ''")))
CUT = save(2, more=f", \"text\" = '{LONG}'")


def log(*lines, took_ms=1.0):
    """Each `(who, sql)` or `(who, sql, error)`; a session each, ten milliseconds apart."""
    return [
        Statement(at_unix_s=100 + n / 100, pid=ord(line[0][0]), sql=line[1], request=line[0], took_ms=took_ms,
                  error=line[2] if len(line) > 2 else "")
        for n, line in enumerate(lines)
    ]  # fmt: skip


def tx(who, *sql):
    return [(who, "BEGIN"), *((who, one) for one in sql), (who, "COMMIT")]


def test_both_read_before_either_wrote():
    statements = log((A, READ), (B, READ), *tx(A, save(1)), *tx(B, save(1)), *tx("c", READ, save(2)))
    (lost,) = lost_updates(statements)
    assert (lost.table, lost.key, lost.columns) == ("tier", "1", ("sold",))
    assert (lost.first.actor, lost.first.read, lost.first.write, lost.first.span) == (A, 0, 3, (2, 4))
    assert (lost.second.actor, lost.second.read, lost.second.write, lost.second.span) == (B, 1, 6, (5, 7))
    assert lost.second.change.constants["sold"] == "1"


def test_two_that_set_the_same_are_known_though_nobody_else_wrote():
    (lost,) = lost_updates(log((A, READ), (B, READ), *tx(A, save(1)), *tx(B, save(1))))
    assert lost.columns == ()


def test_each_lost_change_counts_once_and_the_first_loss_is_first():
    """Three read; the last one overwrites two changes, of which the second had overwritten the first already."""
    reads = [(who, READ) for who in "abc"]
    found = lost_updates(log(*reads, *tx("a", save(1)), *tx("b", save(1)), *tx("c", save(2))))
    assert [(lost.first.actor, lost.second.actor) for lost in found] == [("a", "b"), ("b", "c")]


def test_one_after_the_other_loses_nothing():
    assert lost_updates(log((A, READ), *tx(A, save(1)), (B, READ), *tx(B, save(2)))) == []


def test_a_change_in_one_statement_is_lost_to_one_that_read_before():
    atomic = 'UPDATE "tier" SET "sold" = ("tier"."sold" + 1) WHERE "tier"."id" = 1'
    (lost,) = lost_updates(log((B, READ), *tx(A, atomic), *tx(B, save(0))))
    assert (lost.first.actor, lost.first.read, lost.columns) == (A, None, ("sold",))


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([(A, READ), (B, READ), *tx(A, LOCK, save(1)), *tx(B, LOCK, save(2))], id="select for update"),
        pytest.param(
            [(A, READ), (B, READ), *tx(A, LOCK, save(1)), *tx(B, LOCK, READ, save(2))], id="locked and read again"
        ),
        pytest.param(
            [
                (A, READ), (B, READ),
                *tx(A, save("(\"tier\".\"sold\" + 1)", '("tier"."id" = 1 AND "tier"."sold" <= (150 - 1))')),
                *tx(B, save("(\"tier\".\"sold\" + 1)", '("tier"."id" = 1 AND "tier"."sold" <= (150 - 1))')),
            ],
            id="update under the condition that seats are left",
        ),
        pytest.param(
            [
                (A, READ), (B, READ),
                *tx(A, save(1, '("tier"."id" = 1 AND "tier"."version" = 1)', ', "version" = 2')),
                *tx(B, save(1, '("tier"."id" = 1 AND "tier"."version" = 1)', ', "version" = 2')),
                *tx(B, READ, save(2, '("tier"."id" = 1 AND "tier"."version" = 2)', ', "version" = 3')),
            ],
            id="version column, tried again",
        ),
        pytest.param(
            [
                (A, "BEGIN ISOLATION LEVEL SERIALIZABLE"), (B, "BEGIN ISOLATION LEVEL SERIALIZABLE"),
                (A, READ), (B, READ), (A, save(1)), (A, "COMMIT"),
                (B, save(1), "40001 could not serialize access due to concurrent update"), (B, "ROLLBACK"),
                (B, "BEGIN ISOLATION LEVEL SERIALIZABLE"), (B, READ), (B, save(2)), (B, "COMMIT"),
            ],
            id="serializable, tried again",
        ),
        pytest.param(
            [
                (A, READ), (B, READ), *tx(A, save(1)),
                (B, "BEGIN"), (B, save(1)), (B, "COMMIT", "40001 could not serialize access"),
            ],
            id="its commit failed",
        ),
        pytest.param(
            [(A, READ), (B, READ), *tx(A, save(1)), (B, "BEGIN"), (B, save(1)), (B, "ROLLBACK")], id="rolled back"
        ),
        pytest.param(
            [
                (A, READ), (B, READ), *tx(A, save(1)),
                (B, "BEGIN"), (B, 'SAVEPOINT "s1"'), (B, save(1)), (B, 'ROLLBACK TO SAVEPOINT "s1"'), (B, "COMMIT"),
            ],
            id="rolled back to a savepoint",
        ),
        pytest.param([(A, READ), (B, READ), *tx(A, save(1)), (B, "BEGIN"), (B, save(1))], id="never committed"),
        pytest.param(
            [
                (A, READ), (B, READ),
                *tx(A, 'UPDATE "tier" SET "sold" = ("tier"."sold" + 1) WHERE "tier"."id" = 1'),
                *tx(B, 'UPDATE "tier" SET "sold" = ("tier"."sold" + 1) WHERE "tier"."id" = 1'),
            ],
            id="computed by the database",
        ),
        pytest.param(
            [
                (A, READ), (B, READ),
                *tx(A, save('("tier"."sold" + 1)')), *tx(B, save('("tier"."sold" + 1)')),
            ],
            id="computed by the database, the rest of the row saved as it was",
        ),
        pytest.param(
            [(A, READ), (B, READ), *tx(A, 'UPDATE "tier" SET "sold" = 1 WHERE "tier"."id" = 1'),
             *tx(B, 'UPDATE "tier" SET "name" = \'x\' WHERE "tier"."id" = 1')],
            id="other columns",
        ),
        pytest.param(
            [(A, READ), (B, READ), *tx(A, save(1)),
             *tx(B, 'SELECT … FROM "tier" WHERE "tier"."event_id" = 1 FOR UPDATE', save(2))],
            id="locked with others",
        ),
        pytest.param([(A, READ), (B, READ.replace("= 1", "= 2")), *tx(A, save(1)), *tx(B, save(2))], id="another row"),
        pytest.param([(A, READ), *tx(A, save(1)), *tx(B, save(2))], id="never read"),
        pytest.param(
            [(A, READ), (A, READ), *tx(A, save(1)), *tx(A, save(2))], id="one request, twice"
        ),
        pytest.param(
            [(A, READ), (B, READ), *tx(A, save(1)),
             *tx(B, CUT)],
            id="cut off: a condition may follow",
        ),
        pytest.param(
            [(A, READ), (B, READ), *tx(A, 'UPDATE "c" SET "last_login" = \'2026-01-01 10:00:00\' WHERE "c"."id" = 1'),
             (B, 'SELECT … FROM "c" WHERE "c"."id" = 1'),
             *tx(B, 'UPDATE "c" SET "last_login" = \'2026-01-01 10:00:01\' WHERE "c"."id" = 1')],
            id="the later one of two times",
        ),
    ],
)  # fmt: skip
def test_what_loses_nothing_is_not_named(lines):
    assert lost_updates(log(*lines)) == []


def test_a_lock_that_ended_before_the_write_keeps_nobody_out():
    """The learner locks, commits, and saves what was read under the lock in a transaction of its own."""
    (lost,) = lost_updates(log(*tx(A, LOCK), *tx(B, LOCK), *tx(A, save(1)), *tx(B, save(1))))
    assert (lost.first.read, lost.second.read) == (1, 4)


def test_without_a_transaction_the_log_is_too_coarse_for_what_is_close():
    """A statement by itself is logged after its commit: another one may have seen it and be logged before."""
    far = log((A, READ), (B, READ), (A, save(1)), (B, save(2)))
    assert len(lost_updates(far)) == 1
    near = [*far[:2], Statement(at_unix_s=far[1].at_unix_s + 0.001, pid=97, sql=save(1), request=A), far[3]]
    assert lost_updates(near) == []


def test_a_task_against_a_request():
    read = 'SELECT … FROM "o" WHERE "o"."id" = \'x\''
    update = 'UPDATE "o" SET "status" = \'{}\' WHERE "o"."id" = \'x\''
    lines = log((A, read), (B, read), (A, update.format("cancelled")), (B, update.format("paid")))
    task = [Statement(at_unix_s=s.at_unix_s, pid=s.pid, sql=s.sql, task="charge", task_id="t1", took_ms=1.0)
            if s.request == B else s for s in lines]  # fmt: skip
    (lost,) = lost_updates(task)
    assert (lost.first.actor, lost.second.actor, lost.columns) == (A, "t1", ("status",))


def test_a_hot_row_takes_no_long_time():
    """Five thousand changes of one row, each read before the one before it was written."""
    lines = [line for n in range(5_000) for line in [(f"{n + 1}", READ), *tx(f"{n}", save(n))]]
    started = process_time()
    assert len(lost_updates(log(*lines))) == 4_999
    assert process_time() - started < 20
