"""An entry of PostgreSQL's log that is a statement: when it began, how long it took, and what its comment says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_TIMED = re.compile(r"duration: (?P<ms>[\d.]+) ms +(?:statement|execute [^:]*): (?P<sql>.*)", re.DOTALL)
_COMMENT = re.compile(r"\s*/\*(?P<tags>(?:request|task|route)='[^*]*)\*/\s*;?\s*$")
_TAG = re.compile(r"(\w+)='([^']*)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A statement that ended or failed, as it was sent, secrets included.

    Attributes:
        at_unix_s: When it began.
        sql: Its text without the shop's comment.
        tags: The keys and values of that comment.
        error: State and message of a failure; empty for a success.
    """

    at_unix_s: float
    pid: int
    sql: str
    took_ms: float
    tags: Mapping[str, str]
    error: str

    @property
    def line(self) -> str:
        """`serializers.py:55 EventSerializer.venue`, or the part of it that the comment has."""
        return " ".join(filter(None, (self.tags.get("line"), self.tags.get("at"))))


def logged(entry: Mapping[str, Any]) -> Logged | None:
    """The statement of *entry*, a line of the server's JSON log; None for an entry of another kind."""
    message, error, took_ms = str(entry.get("message", "")), "", 0.0
    if (timed := _TIMED.match(message)) is not None:
        sql, took_ms = timed["sql"], float(timed["ms"])
    elif entry.get("error_severity") == "ERROR" and entry.get("statement"):
        sql, error = str(entry["statement"]), f"{entry.get('state_code', '')} {message}".strip()
    else:
        return None
    tags: dict[str, str] = {}
    if (comment := _COMMENT.search(sql)) is not None:
        tags = dict(_TAG.findall(comment["tags"]))
        sql = sql[: comment.start()]
    try:
        ended = datetime.strptime(str(entry["timestamp"]), "%Y-%m-%d %H:%M:%S.%f %Z").replace(tzinfo=UTC)
        pid = int(entry["pid"])
    except (KeyError, ValueError):
        return None
    began_unix_s = round(ended.timestamp() - took_ms / 1000, 6)
    return Logged(at_unix_s=began_unix_s, pid=pid, sql=sql, took_ms=took_ms, tags=tags, error=error)
