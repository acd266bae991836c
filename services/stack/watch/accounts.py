"""Connections to PostgreSQL, counted twice: those that the server accepted, and those that its proxy accepted.

PostgreSQL logs every connection, however short; the proxy logs every client that it accepted. If PostgreSQL has more,
without those of the lab's own roles, the rest bypassed the proxy.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from services.stack import postgres
from services.stack.layout import Lab
from services.stack.watch.connections import Found

QUIET_S = 0.3
PATIENCE_S = 5.0
PROXY = "shop_to_postgres"
_ACCEPTED = b"Accepted client"
_LAB_ROLES = frozenset({postgres.USER, postgres.READER})


class LogFiles:
    """Lines written to growing log files since `mark`; a file that was rotated is still read."""

    def __init__(self, folder: Path, pattern: str) -> None:
        self._folder, self._pattern = folder, pattern
        self._from: dict[tuple[int, int], int] = {}

    def sizes(self) -> dict[tuple[int, int], int]:
        """Size of each file by device and inode, which stay the same when a file is renamed."""
        return {(stat.st_dev, stat.st_ino): stat.st_size for _, stat in self._files()}

    def mark(self, sizes: dict[tuple[int, int], int]) -> None:
        """Let `lines` begin at these sizes."""
        self._from = sizes

    def lines(self) -> Iterator[bytes]:
        """Lines since `mark`, oldest file first. Raises: OSError."""
        for path, stat in self._files():
            with path.open("rb") as file:
                file.seek(self._from.get((stat.st_dev, stat.st_ino), 0))
                yield from file

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        found = [(path, path.stat()) for path in self._folder.glob(self._pattern)]
        return sorted(found, key=lambda pair: pair[1].st_mtime_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A connection as PostgreSQL logged it. *role* is empty when no login followed."""

    pid: int
    port: int
    at: str
    role: str


class PostgresAccount:
    """See the module."""

    def __init__(self, lab: Lab) -> None:
        folder = next((data.with_name("log") for data in postgres.locate(lab) if data.exists()), lab.root / "nowhere")
        self._server = LogFiles(folder, "postgresql-*.json")
        self._proxy = LogFiles(lab.log, "toxiproxy.log*")

    def open(self) -> None:
        """Begin at a moment without new connections, so that both counts begin with the same connection.

        Other lines of the proxy's log do not count: the lab itself asks Toxiproxy all the time.
        """
        give_up = time.monotonic() + PATIENCE_S
        self._proxy.mark(self._proxy.sizes())
        while time.monotonic() < give_up:
            time.sleep(QUIET_S)  # time for an accepted client's connection to reach the server
            if not accepted_in(self._proxy.lines(), PROXY):
                break
            self._proxy.mark(self._proxy.sizes())
        self._server.mark(self._server.sizes())

    def close(self, of_proxy: set[int]) -> list[Found]:
        """Connections that bypassed the proxy. *of_proxy*: client ports that were seen to be the proxy's own."""
        give_up = time.monotonic() + PATIENCE_S
        while True:
            sessions = list(sessions_in(self._server.lines()))
            theirs = [session for session in sessions if session.role not in _LAB_ROLES]
            more = len(theirs) - accepted_in(self._proxy.lines(), PROXY)
            if more <= 0:
                return []
            if time.monotonic() >= give_up:  # time for connections in progress to log in
                return [_sentence(more, [session for session in theirs if session.port not in of_proxy])]
            time.sleep(QUIET_S)


def _sentence(more: int, candidates: list[Session]) -> Found:
    among = "; ".join(f"port {s.port} at {s.at} as {s.role or 'nobody'}" for s in candidates[:3])
    what = f"postgres took {more} more connection(s) than its proxy let through: past it (among them {among})"
    return "postgres account", what


def sessions_in(lines: Iterable[bytes]) -> Iterator[Session]:
    """Connections in PostgreSQL's log, each with the role that logged in."""
    came: dict[int, Session] = {}
    for line in lines:
        if b'"connection ' not in line:
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        pid, message = entry.get("pid"), str(entry.get("message", ""))
        if message.startswith("connection received"):
            if pid in came:  # an earlier backend that had the same pid
                yield came.pop(pid)
            port = str(entry.get("remote_port") or message.rpartition("port=")[2] or 0)
            came[pid] = Session(
                pid=pid, port=int(port) if port.isdigit() else 0, at=str(entry.get("timestamp", "?")), role=""
            )
        elif message.startswith("connection authorized") and pid in came:
            session = came[pid]
            came[pid] = Session(pid=pid, port=session.port, at=session.at, role=str(entry.get("user", "")))
    yield from came.values()


def accepted_in(lines: Iterable[bytes], proxy: str) -> int:
    """Number of clients that *proxy* accepted, by Toxiproxy's JSON log; the stand-in's log has the same form."""
    name = f'"name":"{proxy}"'.encode()
    return sum(_ACCEPTED in line and name in line for line in lines)
