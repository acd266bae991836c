"""Finds views and functions of a variant's database that look for the gate: a statement that uses one tells nothing."""

from __future__ import annotations

from typing import Any

import psycopg

from chaos.model.looks import ESTIMATE, LOOKS

_FIND = """
    SELECT kind || ' ' || name AS name FROM (
        SELECT 'view' AS kind, c.oid::regclass::text AS name, c.relnamespace AS nsp, pg_get_viewdef(c.oid) AS body
        FROM pg_class c WHERE c.relkind IN ('v', 'm')
        UNION ALL
        SELECT 'function', p.oid::regprocedure::text, p.pronamespace, pg_get_functiondef(p.oid)
        FROM pg_proc p WHERE p.prokind IN ('f', 'p') AND p.oid >= 16384
    ) own JOIN pg_namespace n ON n.oid = own.nsp
    WHERE n.nspname <> ALL(%(lab)s) AND regexp_replace(body, %(estimate)s, '', 'gi') ~* %(looks)s
    ORDER BY 1
"""


def lookouts(connection: psycopg.Connection[dict[str, Any]], *, besides: tuple[str, ...]) -> list[str]:
    """`view …` and `function …`, of all schemas but *besides*. Raises: psycopg.Error."""
    found = connection.execute(_FIND, {"lab": list(besides), "looks": rf"\y{LOOKS}\y", "estimate": ESTIMATE}).fetchall()
    return [row["name"] for row in found]
