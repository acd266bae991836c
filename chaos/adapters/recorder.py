"""Statements, plans and cache of an exchange run, by PostgreSQL's log, EXPLAIN, and Redis past its proxy."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import psycopg
import redis
from msgspec.structs import replace

from chaos.adapters.logged import logged
from chaos.adapters.postgres import PostgresWitness
from chaos.adapters.redis import RedisWitness
from chaos.errors import LabBroken
from chaos.model import sql
from chaos.model.exchange import MOST_SQL, PlanRead, Query
from chaos.model.secrets import scrubbed

MOST_QUERIES = 200_000
PATIENCE_S, POLL_S = 20.0, 0.05
# A world is small: reading all of a table, or all of its index for a merge, can seem cheaper than looking up few rows.
# What the transaction has read, functions included: a plan does not show what a function reads.
_READ = """
    SELECT coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0)::bigint AS rows
    FROM pg_stat_xact_user_tables
"""
_WITHIN = " /* a function of it may skip rows by OFFSET */"
READS_WHOLE_TABLES = ("enable_seqscan", "enable_mergejoin", "enable_hashjoin")
_SCANS = ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Tid Scan", "Sample Scan")


class Recorder:
    """The recorder of one variant; see `chaos.ports.Recorder`."""

    def __init__(self, postgres: PostgresWitness, redis_: RedisWitness) -> None:
        self._postgres, self._redis = postgres, redis_
        self._analyzed = False

    def start(self) -> None:
        self._postgres.log_statements(True)

    def stop(self) -> None:
        self._postgres.log_statements(False)

    def queries(self) -> list[Query]:
        """See `chaos.ports.Recorder`. A separate process writes the log, so this waits for a mark at its end."""
        mark = f"mark {uuid.uuid4()}"
        self._postgres.mark(mark)
        give_up = time.monotonic() + PATIENCE_S
        while True:
            entries = list(self._postgres.log_entries())
            if any(mark in str(entry.get("message", "")) for entry in entries):
                break
            if time.monotonic() > give_up:
                raise LabBroken(f"postgres: got no end of its log in {PATIENCE_S:g} s, expected all statements in it")
            time.sleep(POLL_S)
        shops = (entry for entry in entries if entry.get("user") not in self._postgres.ours)
        return sorted(queries(shops), key=lambda query: query.at_unix_s)

    def busy(self) -> int:
        return self._postgres.busy()

    def empty_cache(self) -> None:
        try:
            self._redis.empty_cache()
        except redis.RedisError as error:
            raise LabBroken(f"redis: got {error}, expected FLUSHDB of the cache to succeed") from None

    def explained(self, exchange: str, queries: Sequence[Query]) -> list[PlanRead]:
        if not self._analyzed:  # rows that were just filled in have no statistics yet
            self._analyzed = True
            with suppress(psycopg.Error), self._postgres.connected() as connection:
                connection.execute("ANALYZE")
        return together(
            self._plan(exchange, query, reads)
            for query in queries
            for statement in sql.statements(query.sql)
            if (reads := sql.read_by(statement, query.detail))
        )

    def _plan(self, exchange: str, query: Query, statement: str) -> PlanRead:
        """Run *statement* under EXPLAIN, with the shop's rights, in a read-only transaction that is rolled back."""
        text = query.sql if " ".join(query.sql.split()) == statement else statement
        try:
            with self._postgres.reading() as connection, connection.transaction(force_rollback=True):
                connection.execute("SET TRANSACTION READ ONLY")
                for way in READS_WHOLE_TABLES:
                    connection.execute(f"SET LOCAL {way} = off")
                told = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}").fetchall()
                inside = connection.execute(_READ).fetchall()[0]["rows"]
            root = told[0]["QUERY PLAN"][0]["Plan"]
        except (psycopg.Error, LookupError, TypeError) as error:
            return PlanRead(exchange=exchange, sql=text, error=" ".join(str(error).split())[:300])
        planned = round(sum(_read(node) for node in _nodes(root)))
        return PlanRead(
            exchange=exchange,
            sql=text + _WITHIN if inside > planned else text,
            rows_read=max(inside, planned),
            rows_returned=round(root.get("Actual Rows", 0) * root.get("Actual Loops", 1)),
            buffers=int(root.get("Shared Hit Blocks", 0)) + int(root.get("Shared Read Blocks", 0)),
            plan="\n".join(_lines(root, 0)),
        )


def together(plans: Iterable[PlanRead]) -> list[PlanRead]:
    """Plans of one exchange; those of statements that differ in their values only are one, with all that they read.

    A list that is read a few rows at a time is read whole.
    """
    found: dict[tuple[str, str], PlanRead] = {}
    for plan in plans:
        key = sql.fingerprint(plan.sql), plan.error
        if (before := found.get(key)) is None:
            found[key] = plan
            continue
        most = max(before, plan, key=lambda one: one.rows_returned)
        found[key] = replace(most, rows_read=before.rows_read + plan.rows_read, buffers=before.buffers + plan.buffers)
    return list(found.values())


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _read(node: Mapping[str, Any]) -> float:
    """Rows that a scan read: those it returned, and those that a filter or the index's recheck removed."""
    if node.get("Node Type") not in _SCANS:
        return 0.0
    thrown = sum(float(node.get(name, 0)) for name in ("Rows Removed by Filter", "Rows Removed by Index Recheck"))
    return (float(node.get("Actual Rows", 0)) + thrown) * float(node.get("Actual Loops", 1))


def _lines(node: Mapping[str, Any], depth: int) -> Iterator[str]:
    on = node.get("Index Name") or node.get("Relation Name")
    rows = node.get("Actual Rows", 0) * node.get("Actual Loops", 1)
    yield f"{'  ' * depth}{node.get('Node Type')}{f' on {on}' if on else ''}: {rows:g} rows"
    for inner in node.get("Plans", ()):
        yield from _lines(inner, depth + 1)


def queries(entries: Iterator[Mapping[str, Any]]) -> Iterator[Query]:
    """Every statement of the log, with or without a comment. Raises: LabBroken for more than MOST_QUERIES."""
    for number, entry in enumerate(entry for entry in map(_query, entries) if entry is not None):
        if number == MOST_QUERIES:
            raise LabBroken(f"postgres: got more than {MOST_QUERIES} statements, expected those of single requests")
        yield entry


def _query(entry: Mapping[str, Any]) -> Query | None:
    if (one := logged(entry)) is None:
        return None
    return Query(
        at_unix_s=one.at_unix_s,
        pid=one.pid,
        sql=scrubbed(one.sql)[:MOST_SQL],
        took_ms=one.took_ms,
        detail=scrubbed(str(entry.get("detail") or ""))[:MOST_SQL],
        request=one.tags.get("request", ""),
        task=one.tags.get("task", ""),
        line=one.line,
        error=scrubbed(one.error)[:300],
    )
