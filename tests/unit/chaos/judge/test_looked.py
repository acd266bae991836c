"""Code that looks for the gate behaves while it stands: such a run shows nothing."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.judge.looked import gate_findings
from chaos.model.exchange import MOST_SQL, Exchanged, Query
from chaos.model.journal import Event, EventKind
from chaos.model.verdict import Finding, Verdict

T0 = 1_000.0
BUY = 'UPDATE "shop_tickettier" SET "sold" = "shop_tickettier"."sold" + 2 WHERE "shop_tickettier"."id" = 4'
LOOK = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'firedrill%%'"


def event(kind: EventKind, at_s: float, **data: Any) -> Event:
    return Event(seq=0, at_unix_s=T0 + at_s, at_s=at_s, event=kind, data=data)


def finding(*queries: tuple[float, str], by: Any = (), gate: bool = True) -> Finding | None:
    events = [
        event(EventKind.GATE_INSTALLED, 5.0, tables=3, looked_for_by=list(by)),
        event(EventKind.GATE_REMOVED, 9.0),
    ]
    asked = tuple(Query(at_unix_s=T0 + at_s, pid=1, sql=sql) for at_s, sql in queries)
    exchanged = Exchanged(queries=asked, t0_unix_s=T0)
    return next(gate_findings(exchanged, events if gate else []), None)


@pytest.mark.parametrize(
    "sql",
    [
        LOOK,
        "SELECT tgname FROM pg_catalog.pg_trigger WHERE tgrelid = 'shop_order'::regclass",
        "select 1 from PG_LOCKS where locktype = 'advisory'",
        "SELECT current_setting('firedrill.stops', true)",
        "SELECT to_regnamespace('x')",
        "SELECT relhastriggers FROM pg_class",
        "SELECT trigger_name FROM information_schema.triggers",
        "SELECT application_name FROM pg_stat_activity",
        "SELECT pg_get_triggerdef(17)",
        "SELECT count(*) FROM pg_constraint WHERE contype = 't'",
        "SELECT * FROM pg_class WHERE relname = 'shop_order'",
        'SELECT c FROM "pg_class" c',
        "SELECT hastriggers FROM pg_tables",
        "SELECT reltuples, relnatts FROM pg_class",
        "EXPLAIN ANALYZE UPDATE shop_order SET status = status",
        "EXPLAIN (FORMAT JSON, ANALYZE) DELETE FROM shop_order",
        "ALTER TABLE shop_tickettier DISABLE TRIGGER USER",
        "SET session_replication_role = replica",
        "SELECT current_setting('fire' || 'drill.stops', true)",
        "SELECT has_schema_privilege('fire' || 'drill_gate', 'usage')",
        'SELECT count(*) FROM U&"pg\\005ftrigger"',
        "SELECT count(*) FROM pg_sequences",
        "SELECT last_value FROM pg_sequence",
        "SELECT relname FROM pg_statio_user_sequences",
        "SELECT objid FROM pg_lock_status() WHERE NOT granted",
        "SELECT to_regclass('fire' || 'drill_gate.unnamed')",
    ],
)
def test_a_statement_that_looks_for_the_gate_while_it_stands_spoils_the_run(sql: str) -> None:
    found = finding((6.0, BUY), (7.0, sql))
    assert found is not None
    assert found.verdict is Verdict.INCONCLUSIVE
    assert sql[:40] in found.reason


@pytest.mark.parametrize(
    "sql",
    [
        BUY,
        "SELECT nextval('shop_order_id_seq'::regclass)",
        "SELECT pg_try_advisory_xact_lock(17)",
        "SELECT reltuples FROM pg_class WHERE relname = 'shop_order'",
        "SELECT set_config('lock_timeout', '900ms', true)",
        "SELECT reltuples::bigint AS estimate FROM pg_class WHERE oid = 'shop_order'::regclass",
        "SELECT current_setting('lock_timeout')",
        "INSERT INTO shop_order (reference) VALUES ('to explain it: u & me, trigger happy')",
        "EXPLAIN SELECT 1",
    ],
)
def test_what_a_shop_asks_for_its_own_sake_spoils_nothing(sql: str) -> None:
    found = finding((7.0, sql))
    assert found is not None
    assert (found.verdict, found.reason) == (Verdict.HELD, "")


def test_a_look_by_a_value_or_behind_more_than_is_kept_spoils_the_run() -> None:
    by_value = Query(at_unix_s=T0 + 7, pid=1, sql="SELECT f($1)", detail="Parameters: $1 = 'firedrill_gate.unnamed'")
    long = Query(at_unix_s=T0 + 7, pid=1, sql="SELECT 1".ljust(MOST_SQL))
    for query, told in ((by_value, "looked for the gate"), (long, "too long to be read to their end")):
        found = next(gate_findings(Exchanged(queries=(query,), t0_unix_s=T0), [event(EventKind.GATE_INSTALLED, 5.0)]))
        assert found.verdict is Verdict.INCONCLUSIVE
        assert told in found.reason


def test_a_look_without_a_gate_spoils_nothing() -> None:
    found = finding((1.0, LOOK), (20.0, LOOK))
    assert found is not None
    assert found.verdict is Verdict.HELD
    assert finding((7.0, LOOK), gate=False) is None


def test_a_view_that_looks_spoils_the_run_though_no_statement_says_so() -> None:
    found = finding((7.0, "SELECT seen FROM shop_weather"), by=["view shop_weather"])
    assert found is not None
    assert found.reason == "the shop's database has what looks for the gate: view shop_weather"
