"""Statements and log lines as they come out of the servers' own formats."""

from chaos.adapters.trace import log_lines, statements
from chaos.model.trace import LogLine

WHEN = "2026-11-24 13:44:24.500 UTC"
AT_UNIX_S = 1795527864.5


def entry(sql, pid=7, ms="2.500", **more):
    return {
        "timestamp": WHEN,
        "pid": pid,
        "error_severity": "LOG",
        "message": f"duration: {ms} ms  statement: {sql}",
        **more,
    }


def test_a_statement_begins_its_duration_before_it_was_logged():
    (found,) = statements(iter([entry("UPDATE t SET a = 1 /*request='0-7',route='/api/orders/'*/")]))
    assert (found.sql, found.request, found.route, found.took_ms) == ("UPDATE t SET a = 1", "0-7", "/api/orders/", 2.5)
    assert found.at_unix_s == AT_UNIX_S - 0.0025


def test_a_statement_says_which_line_made_it():
    comment = "/*request='0-7',route='/api/events/',line='serializers.py:55',at='EventSerializer.venue'*/"
    (found,) = statements(iter([entry(f"SELECT 1 {comment}")]))
    assert (found.sql, found.line) == ("SELECT 1", "serializers.py:55 EventSerializer.venue")


def test_statements_that_belong_to_no_order_are_left_out():
    assert statements(iter([entry("SELECT 1"), entry("DELETE FROM shop_outbox")])) == []


def test_begin_and_commit_belong_to_what_is_between_them_in_their_session():
    log = [
        entry("BEGIN", pid=1),
        entry("BEGIN", pid=2),
        entry("UPDATE a SET x = 1 /*request='0-1'*/", pid=1),
        entry("COMMIT", pid=2),
        entry("COMMIT", pid=1),
        entry("COMMIT", pid=1),
    ]
    assert [(s.pid, s.sql, s.request) for s in statements(iter(log))] == [
        (1, "BEGIN", "0-1"),
        (1, "UPDATE a SET x = 1", "0-1"),
        (1, "COMMIT", "0-1"),
    ]


def test_a_task_s_statement_names_the_task():
    (found,) = statements(iter([entry("SELECT 1 /*task='shop.charge_order',id='ab-1'*/")]))
    assert (found.task, found.task_id, found.request) == ("shop.charge_order", "ab-1", "")


def test_a_failed_statement_says_why():
    failed = {
        "timestamp": WHEN,
        "pid": 1,
        "error_severity": "ERROR",
        "state_code": "40P01",
        "message": "deadlock detected",
        "statement": "UPDATE t SET a = 1 /*request='0-7'*/",
    }
    (found,) = statements(iter([failed]))
    assert (found.sql, found.error) == ("UPDATE t SET a = 1", "40P01 deadlock detected")


def test_secrets_leave_the_statement():
    (found,) = statements(iter([entry("INSERT INTO t VALUES ('eyJhbGciOi.eyJzdWI.sig') /*request='0-7'*/")]))
    assert "eyJ" not in found.sql


def test_an_orm_s_list_of_columns_is_left_out():
    columns = ", ".join(f'"shop_order"."column_{n}"' for n in range(9))
    sql = f'SELECT {columns} FROM "shop_order" WHERE "shop_order"."id" = 1'
    (found,) = statements(iter([entry(f"{sql} /*request='0-7'*/")]))
    assert found.sql == 'SELECT … FROM "shop_order" WHERE "shop_order"."id" = 1'


def test_a_comment_of_the_query_itself_is_no_tag():
    assert statements(iter([entry("SELECT 1 /* request of somebody */")])) == []


def test_log_records_keep_the_traceback_that_follows():
    text = (
        "Traceback of somebody before\n"
        "2026-11-24 13:44:24,500 INFO 12 shop.access [0-7]: POST /api/orders/ 202 12.0 ms\n"
        "2026-11-24 13:44:25,001 ERROR 12 django.request [-]: boom\nTraceback:\n  File\n"
    )
    assert log_lines("api", text) == [
        LogLine(
            at_unix_s=AT_UNIX_S,
            part="api",
            level="INFO",
            text="shop.access: POST /api/orders/ 202 12.0 ms",
            acting_for="0-7",
        ),
        LogLine(at_unix_s=1795527865.001, part="api", level="ERROR", text="django.request: boom\nTraceback:\n  File"),
    ]
