"""Words of SQL that look for the gate of forced interleavings. The same patterns for Python and for PostgreSQL."""

from __future__ import annotations

from typing import Final

# Where PostgreSQL shows triggers, functions, schemas, sequences, locks and other sessions, and the names of the gate's
# own things.
# A constraint trigger is a row of pg_constraint too, a table with triggers says so in pg_class and pg_tables, and
# EXPLAIN ANALYZE names each trigger that fired. Whoever switches triggers off does not have to look. A name in Unicode
# escapes (U&"…"), and a setting whose name is put together, are what nobody writes who does not hide something.
LOOKS: Final = (
    r"(pg_(trigger|namespace|proc|class|constraint|tables|depend|shdepend|description|init_privs|locks|lock_status"
    r"|stat_[a-z_]+|statio_[a-z_]+|sequences?|get_[a-z]+def|describe_object|identify_object[a-z_]*|get_object_address|[a-z_]*blocking_pids)"
    r"|information_schema|relhastriggers|to_reg(namespace|class|proc[a-z]*)|reg(namespace|proc[a-z]*)|firedrill[a-z_]*"
    r"|has_(schema|function)_privilege|session_replication_role|u(?=&\")"
    r"|(disable|enable|create|alter|drop)\s+(or\s+replace\s+)?(constraint\s+)?trigger"
    r"|explain(?=[\s(][\sa-z,(]*analy[sz]e)|current_setting(?=\s*\((?!\s*e?'[^']*'\s*[,)])))"
)
ESTIMATE: Final = (
    r"select\s+\(*(\w+\.)?\"?reltuples\"?\)*(::\w+)?(\s+as\s+\"?\w+\"?)?\s+from\s+\(*(pg_catalog\.)?\"?pg_class(?!\w)"
)
"""How many rows PostgreSQL believes a table to have: a page of a long list may ask so, and nothing else of pg_class."""
