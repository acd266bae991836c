"""The gate in PostgreSQL: triggers at which one actor can be held before a write, or before its commit.

An actor is a request or a task, known by the comment that each of its statements carries. Triggers on every table take
and release a shared advisory lock at each stop of an actor. A session of the lab that holds this lock exclusively holds
this actor there, and no other one. Such locks end with the session, so a lab that is killed holds no actor. The
triggers are treated as a fault: healing finds and removes them.

Source: PostgreSQL, "Overview of Trigger Behavior", CREATE TRIGGER, "Advisory Locks".
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from chaos.adapters.lookouts import lookouts
from chaos.adapters.postgres import OURS
from chaos.config import Postgres
from chaos.errors import LabBroken
from chaos.model.interleaving import Stop, Wait
from launch.pinned import POSTGRES

SCHEMA = "firedrill_gate"
WRITE, COMMIT = f"{SCHEMA}_write", f"{SCHEMA}_commit"
MOST_STOPS = 64
"""Number of writes of one actor at which it can be held; it is never held at a later one."""
TABLE_LOCK_MS, TABLE_TRIES = 200, 50
INSTALL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
_NOBODYS = ("pg_catalog", "information_schema", "pg_toast", SCHEMA)
TABLES = """
    SELECT c.oid::regclass::text AS name, c.relispartition AS part
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname <> ALL(%s)
    ORDER BY 1
"""
_LOCK = """
    SELECT pg_try_advisory_lock(firedrill_gate.key(%(actor)s), number) AS got FROM unnest(%(numbers)s::int[]) number
"""
_LET_GO = "SELECT pg_advisory_unlock(firedrill_gate.key(%(actor)s), %(number)s)"
_UNNAMED = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS n FROM firedrill_gate.unnamed"
STOPPED = """
    SELECT l.pid, l.objid::int AS number, a.query, extract(epoch FROM clock_timestamp())::float8 AS at_unix_s
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND NOT l.granted AND l.objsubid = 2
      AND l.classid::bigint = firedrill_gate.key(%(actor)s)
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
# A session that waits for a row's lock waits for the transaction that has it; its tuple lock then tells the table.
WAITING = """
    SELECT a.pid, a.query, w.locktype, w.mode,
        (SELECT t.relation::regclass::text FROM pg_locks t
         WHERE t.pid = a.pid AND t.relation IS NOT NULL AND (t.locktype = 'tuple' OR NOT t.granted)
         ORDER BY t.locktype = 'tuple' DESC LIMIT 1) AS on_table
    FROM pg_stat_activity a JOIN pg_locks w ON w.pid = a.pid AND NOT w.granted
    WHERE a.wait_event_type = 'Lock' AND %(pid)s = ANY (pg_blocking_pids(a.pid))
"""
_COMMENT = re.compile(r"/\*([^*]*)\*/\s*;?\s*$")
_TOLD = re.compile(r"(\w+)='([^']*)'")
_WORDS = re.compile(
    r"\s*(?:WITH\b.*?\b)?(INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO|COPY|TRUNCATE(?:\s+TABLE)?)\s+(?:ONLY\s+)?"
    r'("[^"]+"(?:\."[^"]+")?|[\w.]+)',
    re.IGNORECASE | re.DOTALL,
)


def connection_to(address: Postgres, database: str) -> psycopg.Connection[dict[str, Any]]:
    """A session of the lab, whose statements are not logged as the run's. Raises: psycopg.Error."""
    return psycopg.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        dbname=database,
        connect_timeout=3,
        application_name=OURS,
        options=f"-c statement_timeout=15000 -c lock_timeout={TABLE_LOCK_MS} -c log_min_duration_statement=-1",
        autocommit=True,
        row_factory=dict_row,
        **POSTGRES,
    )


class GateControl:
    """Finds and removes the gate in all databases of the shop: see `chaos.ports.GateControl`."""

    def __init__(self, address: Postgres) -> None:
        self._address = address

    def deviations(self) -> Sequence[str]:
        """Databases of the shop that have a gate, in words."""
        return [f"{database}: has the gate of forced interleavings" for database in self._with_gate()]

    def remove(self) -> None:
        """Remove it from every database of the shop. Idempotent."""
        for database in self._with_gate():
            with _told(f"{database}: remove the gate"), connection_to(self._address, database) as connection:
                remove(connection)

    def _with_gate(self) -> list[str]:
        with _told("gate"):
            with connection_to(self._address, "postgres") as connection:
                rows = connection.execute(
                    "SELECT datname FROM pg_database WHERE starts_with(datname, %s) AND datallowconn ORDER BY 1",
                    [self._address.database_prefix],
                ).fetchall()
            found = []
            for name in (row["datname"] for row in rows):
                try:
                    connection = connection_to(self._address, name)
                except psycopg.OperationalError:
                    continue  # the database was dropped meanwhile, with its gate
                with connection:
                    if is_there(connection):
                        found.append(name)
            return found


def is_there(connection: psycopg.Connection[dict[str, Any]]) -> bool:
    """Whether the gate, or a part of it, is in this database."""
    row = connection.execute(
        "SELECT to_regnamespace(%s) IS NOT NULL OR EXISTS (SELECT FROM pg_trigger WHERE tgname = ANY(%s)) AS there",
        [SCHEMA, [WRITE, COMMIT]],
    ).fetchone()
    return row is not None and bool(row["there"])


def install(connection: psycopg.Connection[dict[str, Any]]) -> int:
    """Put the gate onto every table of the database. Returns how many there are. Raises: psycopg.Error."""
    with connection.transaction():
        connection.execute(INSTALL)
    tables = connection.execute(TABLES, [list(_NOBODYS)]).fetchall()
    for table in tables:
        _patiently(connection, _made(table["name"], commits=not table["part"]))
    return len(tables)


def _made(table: str, *, commits: bool) -> str:
    """The triggers of *table*. Without *commits* for a partition, which PostgreSQL gives its parent's row triggers.

    Every table has a statement trigger, since PostgreSQL fires only that of the table which the statement names.
    """
    write = (
        f"CREATE TRIGGER {WRITE} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.before_write()"
    )
    commit = (
        f"; CREATE CONSTRAINT TRIGGER {COMMIT} AFTER INSERT OR UPDATE OR DELETE ON {table}"
        f" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.before_commit()"
    )
    return write + (commit if commits else "")


def remove(connection: psycopg.Connection[dict[str, Any]]) -> None:
    """Drop one trigger at a time, since locks on several tables at once could deadlock with the shop. Idempotent."""
    own = connection.execute(
        "SELECT t.tgname AS name, t.tgrelid::regclass::text AS on_table FROM pg_trigger t"
        " WHERE t.tgname = ANY(%s) AND t.tgparentid = 0",
        [[WRITE, COMMIT]],
    ).fetchall()
    for trigger in own:
        _patiently(connection, f"DROP TRIGGER IF EXISTS {trigger['name']} ON {trigger['on_table']}")
    _patiently(connection, f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


def _patiently(connection: psycopg.Connection[dict[str, Any]], statement: str) -> None:
    """Execute *statement*, waiting for table locks in short tries, so that the shop never waits behind us for long."""
    for left in range(TABLE_TRIES, 0, -1):
        try:
            with connection.transaction():
                connection.execute(statement)  # names come from the catalogue, quoted
            return
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if left == 1:
                raise
            time.sleep(0.02)


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise LabBroken(f"{where}: got {' '.join(str(error).split())}, expected PostgreSQL to do it") from None


class Gate:
    """The gate of one variant's database while interleavings are forced: see `chaos.ports.Gate`."""

    def __init__(self, address: Postgres, database: str) -> None:
        self._address, self._database = address, database
        self._connection: psycopg.Connection[dict[str, Any]] | None = None

    def install(self) -> int:
        """See `chaos.ports.Gate`."""
        with _told(f"{self._database}: install the gate"):
            self._connection = connection_to(self._address, self._database)
            return install(self._connection)

    def lookouts(self) -> Sequence[str]:
        """See `chaos.ports.Gate`."""
        with _told("gate: look for what looks for it"):
            return lookouts(self._open, besides=_NOBODYS)

    def unnamed(self) -> int:
        """See `chaos.ports.Gate`."""
        with _told("gate: count the writes of nobody"):
            row = self._open.execute(_UNNAMED).fetchone()
        return 0 if row is None else int(row["n"])

    def close(self) -> None:
        """Release every actor and remove the gate. Idempotent. Raises: LabBroken."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.close()  # ends its locks; the removal has another session, since this one may have been lost
        with _told(f"{self._database}: remove the gate"), connection_to(self._address, self._database) as another:
            remove(another)

    def hold(self, actor: str, numbers: Sequence[int]) -> None:
        """See `chaos.ports.Gate`."""
        with _told("gate: hold"):
            rows = self._open.execute(_LOCK, {"actor": actor, "numbers": list(numbers)}).fetchall()
        if not all(row["got"] for row in rows):
            raise LabBroken(f"gate: got a stop of {actor} that is in use, expected it free")

    def hold_everywhere(self, actor: str) -> None:
        """For the first run, in which an actor is alone and is released stop by stop."""
        self.hold(actor, [number for n in range(1, MOST_STOPS + 1) for number in (2 * n, 2 * n + 1)])

    def let_go(self, actor: str, number: int) -> None:
        """Release *actor* at this stop, which it passes from now on."""
        with _told("gate: let go"):
            self._open.execute(_LET_GO, {"actor": actor, "number": number})

    def let_all_go(self) -> None:
        """Release every actor at every stop."""
        with _told("gate: let go"):
            self._open.execute("SELECT pg_advisory_unlock_all()")

    def stopped(self, actor: str) -> Stop | None:
        """The stop at which *actor* is held right now; None when it is not held."""
        with _told("gate: look"):
            row = self._open.execute(STOPPED, {"actor": actor}).fetchone()
        return None if row is None else stop_of(row["number"], row["query"], pid=row["pid"], at=row["at_unix_s"])

    def waiting_for(self, pid: int, actor: str = "") -> Wait | None:
        """A wait for a lock of the session *pid*, by *actor* if it waits; None when no session waits."""
        with _told("gate: look"):
            rows = self._open.execute(WAITING, {"pid": pid}).fetchall()
        own = [row for row in rows if actor and f"'{actor}'" in row["query"]]
        for row in own or rows:
            return Wait(
                pid=row["pid"], lock=row["locktype"], mode=row["mode"], table=row["on_table"] or "",
                statement=summary(row["query"]), at=_place(row["query"]), known=bool(own),
            )  # fmt: skip
        return None

    @property
    def _open(self) -> psycopg.Connection[dict[str, Any]]:
        if self._connection is None:
            raise LabBroken("gate: got none, expected it to be installed")
        return self._connection


def stop_of(number: int, query: str, *, pid: int = 0, at: float = 0.0) -> Stop:
    """The stop *number*: an even number stands before a write, an odd one before the commit after it."""
    commits = bool(number % 2)
    return Stop(
        number=number,
        kind="commit" if commits else "write",
        statement=summary(query),
        place=_place(query),
        pid=pid,
        at_unix_s=at,
    )


def summary(query: str) -> str:
    """The kind of write and its table, as `UPDATE shop_tickettier`; of other statements the first 60 characters."""
    bare = _COMMENT.sub("", query).strip()
    if (found := _WORDS.match(bare)) is not None:
        return f"{' '.join(found[1].upper().split())} {found[2].replace(chr(34), '')}"
    return " ".join(bare.split())[:60]


def _place(query: str) -> str:
    """The line of the variant's code that made it, from its comment: `services.py:55 place_order`."""
    found = _COMMENT.search(query)
    told = dict(_TOLD.findall(found[1])) if found else {}
    return f"{told.get('line', '')} {told.get('at', '')}".strip()
