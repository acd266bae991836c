"""PostgreSQL, past its proxy: the contract's views, the server's statistics and its log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from chaos.adapters.passwords import described
from chaos.config import Postgres
from chaos.errors import LabBroken
from chaos.model.evidence import Order, SideEffect, StoredPassword, Ticket, Tier
from launch.pinned import POSTGRES

OURS = "firedrill"
_Row = TypeVar("_Row", Tier, Order, Ticket, SideEffect)
LOG_CHUNK_BYTES = 8 << 20
_SERIOUS = frozenset({"ERROR", "FATAL", "PANIC"})


class PostgresWitness:
    """Opens a short connection to the server for each query, except during `at_one_moment`."""

    def __init__(self, address: Postgres, variant: str) -> None:
        self._address, self.database = address, f"{address.database_prefix}{variant}"
        self._log_sizes: dict[str, int] = {}
        self._moment: psycopg.Connection[dict[str, Any]] | None = None

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """During the block, all queries of the variant's database see it as it was at the first query.

        Without this, a shop that still works could show an order from before a transaction and its tickets from after
        it. If no connection can be made, each query raises its own error.
        """
        with suppress(psycopg.Error):
            self._moment = self._connection(self.database)
            self._moment.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
        finally:
            if self._moment is not None:
                self._moment.close()
            self._moment = None

    @contextmanager
    def _asked(self, database: str | None) -> Iterator[psycopg.Connection[dict[str, Any]]]:
        if self._moment is not None and database is None:
            with self._moment.transaction():  # a savepoint, so that an error in one view does not end the snapshot
                yield self._moment
        else:
            with self._connection(database or self.database) as connection:
                yield connection

    def _rows(self, query: str, parameters: Sequence[Any] = (), *, database: str | None = None) -> list[dict[str, Any]]:
        try:
            with self._asked(database) as connection:
                return connection.execute(query, parameters).fetchall()
        except psycopg.Error as error:
            raise LabBroken(f"postgres: got {' '.join(str(error).split())}, expected an answer") from None

    def connected(self) -> psycopg.Connection[dict[str, Any]]:
        """A connection to the variant's database with the lab's own rights, never for the shop's views.

        Raises: psycopg.Error.
        """
        return self._connection(self.database, own=True)

    def reading(self) -> psycopg.Connection[dict[str, Any]]:
        """A connection to the variant's database with no more rights than the shop's. Raises: psycopg.Error."""
        return self._connection(self.database)

    def _connection(self, database: str, *, own: bool = False) -> psycopg.Connection[dict[str, Any]]:
        # The views are the shop's code, which must not run with the rights of a superuser.
        own = own or database != self.database
        return psycopg.connect(
            host=self._address.host,
            port=self._address.port,
            user=self._address.user if own else self._address.reader,
            password=self._address.password,
            dbname=database,
            connect_timeout=3,
            application_name=OURS,
            # The lab's own queries must not be in the log of a run; for the reader, its role has this setting.
            options="-c statement_timeout=15000" + (" -c log_min_duration_statement=-1" if own else ""),
            autocommit=True,
            row_factory=dict_row,
            **POSTGRES,
        )

    def tiers(self) -> list[Tier]:
        """`lab_tiers`."""
        return self._view("SELECT tier_id, event_slug, capacity, sold, price_cents FROM lab_tiers", Tier)

    def orders(self) -> list[Order]:
        """`lab_orders`."""
        return self._view(
            "SELECT order_id, customer_id, client_key, tier_id, quantity, status, amount_cents,"
            " extract(epoch FROM created_at)::float8 AS created_unix_s,"
            " extract(epoch FROM updated_at)::float8 AS updated_unix_s FROM lab_orders",
            Order,
        )

    def tickets(self) -> list[Ticket]:
        """`lab_tickets`."""
        return self._view("SELECT ticket_id, order_id, tier_id FROM lab_tickets", Ticket)

    def side_effects(self) -> list[SideEffect]:
        """`lab_side_effects`."""
        return self._view("SELECT kind, order_id, times FROM lab_side_effects", SideEffect)

    def passwords(self) -> list[StoredPassword]:
        """The stored passwords of all accounts, described without their hashes."""
        rows = self._rows("SELECT id::bigint AS id, password::text AS password FROM shop_customer ORDER BY id")
        return [described(row["id"], row["password"] or "") for row in rows]

    def pending(self) -> tuple[int, int]:
        """Numbers of orders that are not final, and of outbox rows that are not sent."""
        rows = self._rows("SELECT pending_orders, unsent_outbox FROM lab_pending")
        try:
            (row,) = rows
            return int(row["pending_orders"]), int(row["unsent_outbox"])
        except (TypeError, ValueError):  # not one row, or NULL in it
            raise LabBroken(f"lab_pending: got {rows}, expected one row of two numbers") from None

    def _view(self, query: str, row: type[_Row]) -> list[_Row]:
        try:
            return msgspec.convert(self._rows(query), list[row])  # type: ignore[valid-type]
        except msgspec.ValidationError as error:
            raise LabBroken(f"{query.rsplit(' ', 1)[-1]}: got {error}, expected the columns of the contract") from None

    def transactions(self) -> int:
        """Transactions that ended so far in the variant's database, by the server's statistics."""
        rows = self._rows(
            "SELECT xact_commit + xact_rollback AS n FROM pg_stat_database WHERE datname = %s",
            [self.database],
            database="postgres",
        )
        return int(rows[0]["n"]) if rows else 0

    def sessions(self) -> frozenset[str]:
        """Identities of the shop's open sessions."""
        rows = self._rows(
            "SELECT pid || '@' || backend_start AS id FROM pg_stat_activity"
            " WHERE datname = %s AND application_name <> %s AND backend_type = 'client backend'",
            [self.database, OURS],
            database="postgres",
        )
        return frozenset(row["id"] for row in rows)

    def asked_since(self, since_unix_s: float) -> int:
        """Number of the shop's open sessions that were sent a query since then."""
        rows = self._rows(
            "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = %s AND application_name <> %s"
            " AND backend_type = 'client backend' AND query_start >= to_timestamp(%s)",
            [self.database, OURS, since_unix_s],
            database="postgres",
        )
        return int(rows[0]["n"])

    def busy(self) -> int:
        """Number of the shop's sessions that work on a statement or hold a transaction open right now."""
        rows = self._rows(
            "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = %s AND usename <> ALL(%s)"
            " AND backend_type = 'client backend' AND state <> 'idle'",
            [self.database, list(self.ours)],
            database="postgres",
        )
        return int(rows[0]["n"])

    @property
    def ours(self) -> tuple[str, str]:
        """The lab's own roles. Statements of every other role count as the shop's."""
        return self._address.user, self._address.reader

    def mark(self, text: str) -> None:
        """Write *text* into the log, behind all earlier entries. Raises: LabBroken."""
        try:
            with self.connected() as connection:
                connection.execute("SET log_min_duration_statement = 0")
                connection.execute(sql.SQL("SELECT {}").format(sql.Literal(text)))
        except psycopg.Error as error:
            raise LabBroken(f"postgres: got {' '.join(str(error).split())}, expected a mark in its log") from None

    def mark_log(self) -> None:
        """Remember how far the log has been written; `errors` reads from here."""
        self._log_sizes = self._log_files()

    def errors(self) -> list[dict[str, Any]]:
        """ERROR, FATAL and PANIC entries of the variant's database since `mark_log`, in the form of jsonlog."""
        return _serious(self._log_lines(), self.database)

    def log_entries(self) -> Iterator[dict[str, Any]]:
        """Every entry of the variant's database since `mark_log`, in the form of jsonlog."""
        return _entries(self._log_lines(), self.database)

    def log_statements(self, wanted: bool) -> None:
        """Switch the server's log of all statements with their duration on or off.

        It is a setting of the whole server, so that open sessions follow it, too.
        """
        ask = "SET log_min_duration_statement = 0" if wanted else "RESET log_min_duration_statement"
        try:
            with self._connection("postgres") as connection:
                connection.execute(f"ALTER SYSTEM {ask}")  # a constant; ALTER SYSTEM takes no parameters
                connection.execute("SELECT pg_reload_conf()")
        except psycopg.Error as error:
            raise LabBroken(f"postgres: got {' '.join(str(error).split())}, expected {ask}") from None

    def _log_lines(self) -> Iterator[bytes]:
        """Lines written since `mark_log`, a few megabytes at a time."""
        for name, size in self._log_files().items():
            position, rest = self._log_sizes.get(name, 0), b""
            while position < size:
                rows = self._rows(
                    "SELECT pg_read_binary_file(current_setting('log_directory') || '/' || %s, %s, %s) AS content",
                    [name, position, min(size - position, LOG_CHUNK_BYTES)],
                    database="postgres",
                )
                content = bytes(rows[0]["content"])
                if not content:
                    break
                position += len(content)
                *lines, rest = (rest + content).split(b"\n")
                yield from lines
            if rest:
                yield rest

    def _log_files(self) -> dict[str, int]:
        rows = self._rows(
            "SELECT name, size FROM pg_ls_logdir() WHERE name LIKE '%%.json' ORDER BY modification", database="postgres"
        )
        return {row["name"]: int(row["size"]) for row in rows}


def _entries(lines: Iterable[bytes], database: str) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            entry = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # a line that was being written
        if isinstance(entry, dict) and entry.get("dbname") in (database, None):
            yield entry


def _serious(lines: Iterable[bytes], database: str) -> list[dict[str, Any]]:
    keep = ("timestamp", "pid", "error_severity", "state_code", "message", "detail", "statement", "application_name")
    return [
        {key: entry[key] for key in keep if key in entry}
        for entry in _entries(lines, database)
        if entry.get("error_severity") in _SERIOUS
    ]
