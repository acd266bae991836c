"""A SQLite file of lab data: quick enough for an event loop, and complete even when its server is killed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

# Lab data, emptied before each run. Without fsync a write costs tens of microseconds, so the event loop may do it
# itself. What is committed is with the kernel, so a kill of the server loses nothing of it: only a crash of the whole
# machine could, which ends the run.
_PRAGMAS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = OFF", "PRAGMA busy_timeout = 5000")


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode: each statement stands alone.

    Raises:
        sqlite3.Error: The file is no database, or can't be written.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    return connection
