"""What explains a run: the statements of the database's own log and the shop's log lines. Neither decides anything."""

from __future__ import annotations

import msgspec

MOST_SQL = 600
"""Characters of a statement that are kept."""


class Statement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of statements.jsonl.gz, from PostgreSQL's log. Secrets are stripped, long texts cut.

    Attributes:
        at_unix_s: When it began: the log's time of its end, in whole milliseconds, less its duration.
        pid: The session: statements of one session follow each other.
        request, route: The client operation for which it ran, and the view's URL pattern, as its comment says.
        task, task_id: The task for which it ran.
        line: Which line of the shop's code made it and in which function or field, as its comment says:
            `serializers.py:55 EventSerializer.venue`.
        error: SQLSTATE and message when it failed.
    """

    at_unix_s: float
    pid: int
    sql: str
    took_ms: float = 0.0
    request: str = ""
    route: str = ""
    task: str = ""
    task_id: str = ""
    line: str = ""
    error: str = ""


class LogLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record of the shop's log, with the lines that follow it (a traceback).

    Attributes:
        part: `api`, `worker` or `relay`.
        acting_for: The request or task for which it was written; empty for none.
    """

    at_unix_s: float
    part: str
    level: str
    text: str
    acting_for: str = ""
