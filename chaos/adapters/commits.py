"""When rows of orders were committed, from PostgreSQL's write-ahead log: logical decoding in a temporary slot.

The time is that of the commit record, which the server takes before the rows become visible. The log still has it when
a row is updated later (`pg_xact_commit_timestamp(xmin)` would then give the update's time). The recording does not
touch the shop's tables or connections, and its slot ends with this connection, even if the process is killed.

Source: PostgreSQL, "Logical Decoding" and "Logical Replication Message Formats" (`pgoutput`, which every server has).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import psycopg

from chaos.adapters.postgres import PostgresWitness
from chaos.errors import LabBroken
from chaos.model.evidence import Commit

NAME = "firedrill_commits"
AT_A_TIME = 20_000
POSTGRES_EPOCH_UNIX_S = 946_684_800  # 2000-01-01
_CREATE = "SELECT pg_create_logical_replication_slot(%s || '_' || pg_backend_pid(), 'pgoutput', true)"
# Only inserts: a publication of updates would forbid updates of tables without a primary key.
_PUBLISH = f"CREATE PUBLICATION {NAME} FOR ALL TABLES WITH (publish = 'insert')"
_CHANGES = (
    "SELECT data FROM pg_logical_slot_get_binary_changes(%s || '_' || pg_backend_pid(), NULL, %s,"
    " 'proto_version', '1', 'publication_names', %s)"
)


class CommitRecorder:
    """Records commits from `start` until `commits`."""

    def __init__(self, postgres: PostgresWitness) -> None:
        self._postgres = postgres
        self._connection: psycopg.Connection[dict[str, Any]] | None = None
        self._trouble = "the recording was never started"

    def start(self) -> None:
        """Begin a new recording. An error is raised later, by `commits`."""
        self._end()
        self._trouble = ""
        try:
            self._connection = self._postgres.connected()
            if not self._connection.execute("SELECT 1 FROM pg_publication WHERE pubname = %s", [NAME]).fetchall():
                self._connection.execute(_PUBLISH)
            self._connection.execute(_CREATE, [NAME])
        except psycopg.Error as error:
            self._end()
            said = " ".join(str(error).split())
            self._trouble = f"got {said}, expected a replication slot (make down, then make up, once)"

    def commits(self) -> list[Commit]:
        """End the recording and return it. Raises: LabBroken when it has a gap."""
        try:
            if self._trouble or self._connection is None:
                raise LabBroken(f"commits: {self._trouble}")
            return list(decoded(self._changes(self._connection)))
        except (psycopg.Error, struct.error, ValueError) as error:
            raise LabBroken(f"commits: got {' '.join(str(error).split())}, expected what was committed") from None
        finally:
            self._end()

    @staticmethod
    def _changes(connection: psycopg.Connection[dict[str, Any]]) -> Iterator[bytes]:
        while rows := connection.execute(_CHANGES, [NAME, AT_A_TIME, NAME]).fetchall():
            yield from (bytes(row["data"]) for row in rows)

    def _end(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None
        self._trouble = self._trouble or "the recording has ended"


def decoded(messages: Iterable[bytes]) -> Iterator[Commit]:
    """Inserted rows of tables named `…order`, with the time of their commit. Pure. Raises: struct.error, ValueError."""
    relations: dict[int, tuple[str, int]] = {}
    committed_unix_s = 0.0
    for message in messages:
        match message[:1]:
            case b"B":
                _, at_us, _ = struct.unpack_from("!qqi", message, 1)
                committed_unix_s = POSTGRES_EPOCH_UNIX_S + at_us / 1e6
            case b"R":
                oid, table, columns = _relation(message)
                if table.endswith("order") and "id" in columns:
                    relations[oid] = (table, columns.index("id"))
            case b"I":
                (oid,) = struct.unpack_from("!i", message, 1)
                if oid in relations:
                    table, position = relations[oid]
                    row_id = _values(message, 6)[position]
                    yield Commit(table=table, row_id=row_id or "", committed_unix_s=committed_unix_s)


def _relation(message: bytes) -> tuple[int, str, list[str]]:
    """Oid, table and the names of its columns."""
    (oid,) = struct.unpack_from("!i", message, 1)
    _, _, rest = message[5:].partition(b"\0")  # the schema
    table, _, rest = rest.partition(b"\0")
    (count,) = struct.unpack_from("!h", rest, 1)
    rest, columns = rest[3:], list[str]()
    for _ in range(count):
        name, _, rest = rest[1:].partition(b"\0")
        columns.append(name.decode())
        rest = rest[8:]  # type and modifier
    return oid, table.decode(), columns


def _values(message: bytes, at: int) -> list[str | None]:
    """The columns of a row as text; None for NULL and for an unchanged large value, which the log leaves out."""
    (count,) = struct.unpack_from("!h", message, at)
    at, found = at + 2, list[str | None]()
    for _ in range(count):
        kind, at = message[at : at + 1], at + 1
        if kind in {b"n", b"u"}:
            found.append(None)
            continue
        (length,) = struct.unpack_from("!i", message, at)
        found.append(message[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return found
