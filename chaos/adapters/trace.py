"""Reads what explains a run: PostgreSQL's statement log, which is on only during the run, and the shop's log files."""

from __future__ import annotations

import re
import xmlrpc.client
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from chaos.adapters.logged import logged
from chaos.adapters.postgres import PostgresWitness
from chaos.adapters.processes import _Transport
from chaos.errors import LabBroken
from chaos.model.secrets import scrubbed
from chaos.model.trace import MOST_SQL, LogLine, Statement
from chaos.model.tracebacks import folded

MOST_STATEMENTS = 100_000
MOST_LOG_BYTES = 4 << 20
_MOST_TEXT = 2000
_LINE, _CUT = "\n", "\n…\n"
_COLUMNS = re.compile(r"^(SELECT) (?!DISTINCT ON).{60,}? (FROM )")
_RECORD = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d) (?P<time>\d\d:\d\d:\d\d),(?P<ms>\d{3}) (?P<level>[A-Z]+) \d+ "
    r"(?P<name>[\w.]+) \[(?P<acting_for>[^\]]*)\]: (?P<text>.*)"
)


class Trace:
    """Both logs of one run, from `start` on."""

    def __init__(self, postgres: PostgresWitness, logs: ShopLogs) -> None:
        self._postgres, self._logs = postgres, logs

    def start(self) -> None:
        """Have the server log every statement until `stop`. Raises: LabBroken."""
        self._postgres.log_statements(True)
        self._logs.mark()  # last, so that the statements are logged even when a supervisor keeps no log file

    def stop(self) -> None:
        """Idempotent. Raises: LabBroken."""
        self._postgres.log_statements(False)

    def statements(self) -> list[Statement]:
        """Statements of requests and tasks since the log was marked, in the order of their ends. Raises: LabBroken."""
        return statements(self._postgres.log_entries())

    def lines(self) -> list[LogLine]:
        """The shop's log since `start`. Raises: LabBroken."""
        return self._logs.lines()


def statements(entries: Iterator[Mapping[str, Any]]) -> list[Statement]:
    """Statements with a tag of the shop, and the BEGIN and COMMIT around them."""
    found: list[Statement] = []
    begun: dict[int, Statement] = {}
    last: dict[int, Statement] = {}
    for entry in entries:
        statement = _statement(entry)
        if statement is None:
            continue
        pid, word = statement.pid, statement.sql[:8].upper()
        if statement.request or statement.task:
            if (begin := begun.pop(pid, None)) is not None:
                found.append(_as(begin, statement))
            found.append(statement)
            last[pid] = statement
        elif word.startswith("BEGIN"):
            begun[pid] = statement
            last.pop(pid, None)
        elif word.startswith(("COMMIT", "ROLLBACK")):
            begun.pop(pid, None)
            if (inner := last.pop(pid, None)) is not None:
                found.append(_as(statement, inner))
        if len(found) >= MOST_STATEMENTS:
            break
    return found


def _as(statement: Statement, other: Statement) -> Statement:
    """*statement* with the request or task of *other*."""
    names = ("request", "route", "task", "task_id")
    return msgspec.structs.replace(statement, **{name: getattr(other, name) for name in names})


def _statement(entry: Mapping[str, Any]) -> Statement | None:
    if (one := logged(entry)) is None:
        return None
    return Statement(
        at_unix_s=one.at_unix_s,
        pid=one.pid,
        # An ORM names every column; the list is shortened, since the rest of the statement matters more.
        sql=scrubbed(_COLUMNS.sub(r"\1 … \2", " ".join(one.sql.split())))[:MOST_SQL],
        took_ms=one.took_ms,
        request=one.tags.get("request", ""),
        route=one.tags.get("route", ""),
        task=one.tags.get("task", ""),
        task_id=one.tags.get("id", ""),
        line=one.line,
        error=scrubbed(one.error)[:MOST_SQL],
    )


class ShopLogs:
    """The log files of the shop's processes, through the supervisors that write them.

    Args:
        urls: Process → base URL of its supervisor.
    """

    def __init__(self, urls: Mapping[str, str], *, username: str, password: str) -> None:
        self._servers: dict[str, str] = {}
        for process, url in urls.items():
            parts = urlsplit(url)
            login = f"{quote(username, safe='')}:{quote(password, safe='')}"
            self._servers[process] = f"{parts.scheme}://{login}@{parts.netloc}/RPC2"
        self._marks: dict[str, int] = {}

    def mark(self) -> None:
        """Remember how far each log goes. Raises: LabBroken."""
        self._marks = {process: self._tail(process, 0, 0)[1] for process in self._servers}

    def lines(self) -> list[LogLine]:
        """Records since the mark, by time; of each log the last MOST_LOG_BYTES. Raises: LabBroken."""
        found: list[LogLine] = []
        for process in self._servers:
            _, size = self._tail(process, 0, 0)
            start = self._marks.get(process, size)
            since = size if size < start else size - start  # a smaller file is new: the log was rotated
            if since:
                text, _ = self._tail(process, max(size - since, size - MOST_LOG_BYTES), min(since, MOST_LOG_BYTES))
                found += log_lines(process, text)
        return sorted(found, key=lambda line: line.at_unix_s)

    def _tail(self, process: str, offset: int, length: int) -> tuple[str, int]:
        """Text from *offset* on, and the size of the file."""
        server: Any = xmlrpc.client.ServerProxy(self._servers[process], transport=_Transport(), allow_none=True)
        try:
            text, size, _ = server.supervisor.tailProcessStdoutLog(f"shop:{process}", offset, length)
        except Exception as error:  # a log's text may be no valid XML, and a missing log must not end a run
            raise LabBroken(f"log of {process}: got {type(error).__name__}, expected its text") from None
        return str(text), int(size)


def log_lines(part: str, text: str) -> list[LogLine]:
    """The records of *text*; a line without a head belongs to the record before it."""
    found: list[dict[str, Any]] = []
    for line in text.splitlines():
        head = _RECORD.match(line)
        if head is not None:
            at = datetime.strptime(f"{head['day']} {head['time']}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
            found.append(
                {
                    "at_unix_s": at.timestamp() + int(head["ms"]) / 1000,
                    "part": part,
                    "level": head["level"],
                    "text": f"{head['name']}: {head['text']}",
                    "acting_for": head["acting_for"] if head["acting_for"] != "-" else "",
                }
            )
        elif found:
            found[-1]["text"] += f"\n{line}"
    return [LogLine(**{**record, "text": _shortened(folded(scrubbed(record["text"])))}) for record in found]


def _shortened(text: str) -> str:
    """*text* without its middle where it is too long: a traceback's type and message are its end."""
    if len(text) <= _MOST_TEXT:
        return text
    half = (_MOST_TEXT - len(_CUT)) // 2
    head, tail = text[:half], text[-half:]
    return f"{head.rpartition(_LINE)[0] or head}{_CUT}{tail.partition(_LINE)[2] or tail}"
