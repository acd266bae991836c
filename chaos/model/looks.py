"""Words of SQL that look for the gate of forced interleavings. The same pattern for Python and for PostgreSQL."""

from __future__ import annotations

from typing import Final

# Where PostgreSQL shows triggers, functions, schemas, locks and other sessions, and the names of the gate's own things.
LOOKS: Final = (
    r"(pg_(trigger|namespace|proc|depend|description|locks|stat_[a-z_]+|get_[a-z]+def|blocking_pids)"
    r"|information_schema|relhastriggers|to_reg(namespace|proc[a-z]*)|reg(namespace|proc[a-z]*)|firedrill[a-z_]*)"
)
