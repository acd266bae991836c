"""The ledger: every captured charge, every refund and every call that arrived, in one SQLite file, which is kept."""

from __future__ import annotations

import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from services import lab_file

_SCHEMA = """
CREATE TABLE IF NOT EXISTS charges (
    charge_id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    amount_cents INTEGER NOT NULL,
    captured_unix_s REAL NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_charge_per_key ON charges (idempotency_key) WHERE idempotency_key <> '';
CREATE TABLE IF NOT EXISTS refunds (
    refund_id TEXT PRIMARY KEY,
    charge_id TEXT NOT NULL UNIQUE,
    order_id TEXT NOT NULL,
    amount_cents INTEGER NOT NULL,
    refunded_unix_s REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS closed_orders (
    order_id TEXT PRIMARY KEY,
    closed_unix_s REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS calls (
    call_id INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    arrived_unix_s REAL NOT NULL,
    answered_unix_s REAL,
    status INTEGER NOT NULL,
    replayed INTEGER NOT NULL,
    through_proxy INTEGER
);
CREATE INDEX IF NOT EXISTS calls_by_arrival ON calls (arrived_unix_s);
"""

_REFUNDS = "SELECT refund_id, charge_id, order_id, amount_cents, refunded_unix_s FROM refunds"


class KeyReused(Exception):
    """The idempotency key belongs to a charge of another order or amount."""


class OrderClosed(Exception):
    """The order was refunded, so it can't be charged any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A captured charge. `idempotency_key` is empty when the caller sent none."""

    charge_id: str
    order_id: str
    idempotency_key: str
    amount_cents: int
    captured_unix_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A refund of one charge, always in full."""

    refund_id: str
    charge_id: str
    order_id: str
    amount_cents: int
    refunded_unix_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that reached the gateway.

    Attributes:
        answered_unix_s: None while in flight, when the caller had hung up, and when the answer was withheld.
        status: HTTP status that the gateway decided on; 0 while it has not.
        through_proxy: Whether the connection was the proxy's; None where that can't be known.
    """

    order_id: str
    idempotency_key: str
    arrived_unix_s: float
    answered_unix_s: float | None
    status: int
    replayed: bool
    through_proxy: bool | None = None


class Ledger:
    """Writes go through one connection on the event loop's thread; long reads open one of their own."""

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            sqlite3.Error: The file is not a database, or can't be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._connection = lab_file.connect(self._path)
        columns = {row[1] for row in self._connection.execute("PRAGMA table_info(calls)")}
        if columns and "through_proxy" not in columns:  # of an earlier version; each run empties it anyway
            self._connection.execute("DROP TABLE calls")
        self._connection.executescript(_SCHEMA)

    def capture(
        self, *, order_id: str, idempotency_key: str, amount_cents: int, captured_unix_s: float
    ) -> tuple[Charge, bool]:
        """Capture a charge, at most once per key. Returns it and whether it was there before.

        The unique index decides, in one statement: two calls with one key can't both capture, whatever their timing.

        Raises:
            KeyReused: The key was used for another order or amount.
            OrderClosed: The order was refunded before.
        """
        if self.is_closed(order_id):
            raise OrderClosed(f"order_id: got {order_id!r}, which was refunded, expected an order that is open")
        charge = Charge(
            charge_id=f"ch_{uuid.uuid4().hex}",
            order_id=order_id,
            idempotency_key=idempotency_key,
            amount_cents=amount_cents,
            captured_unix_s=captured_unix_s,
        )
        inserted = self._connection.execute(
            "INSERT INTO charges VALUES (?, ?, ?, ?, ?) ON CONFLICT (idempotency_key) WHERE idempotency_key <> ''"
            " DO NOTHING",
            (charge.charge_id, order_id, idempotency_key, amount_cents, captured_unix_s),
        )
        if inserted.rowcount == 1:
            return charge, False
        earlier = self.find(idempotency_key=idempotency_key, order_id=order_id, amount_cents=amount_cents)
        if earlier is None:  # only a reset between the two statements could do this, and both run on one thread
            raise RuntimeError(f"ledger: no charge under key {idempotency_key!r}, expected the one that conflicted")
        return earlier, True

    def find(self, *, idempotency_key: str, order_id: str, amount_cents: int) -> Charge | None:
        """The charge captured under the key, or None when there is none or the key is empty.

        Raises:
            KeyReused: The key was used for another order or amount.
        """
        if not idempotency_key:
            return None
        row = self._connection.execute(
            "SELECT charge_id, order_id, idempotency_key, amount_cents, captured_unix_s FROM charges"
            " WHERE idempotency_key = ?",
            (idempotency_key,),
        ).fetchone()
        if row is None:
            return None
        charge = _charge(row)
        if (charge.order_id, charge.amount_cents) != (order_id, amount_cents):
            raise KeyReused(
                f"Idempotency-Key: got {idempotency_key!r} for order {order_id!r} and {amount_cents} cents, "
                f"expected the request it was first used for"
            )
        return charge

    def is_closed(self, order_id: str) -> bool:
        """Whether the order was refunded, so that it can't be charged any more."""
        row = self._connection.execute("SELECT 1 FROM closed_orders WHERE order_id = ?", (order_id,)).fetchone()
        return row is not None

    def refund(self, *, order_id: str, refunded_unix_s: float) -> tuple[list[Refund], bool]:
        """Refund all charges of the order and close it. Returns its refunds, and whether it was closed before.

        Repeating it refunds nothing twice: a charge has at most one refund.
        """
        closed = self.is_closed(order_id)
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT OR IGNORE INTO closed_orders VALUES (?, ?)", (order_id, refunded_unix_s))
        self._connection.execute(
            "INSERT OR IGNORE INTO refunds (refund_id, charge_id, order_id, amount_cents, refunded_unix_s)"
            " SELECT 're_' || lower(hex(randomblob(16))), charge_id, order_id, amount_cents, ? FROM charges"
            " WHERE order_id = ?",
            (refunded_unix_s, order_id),
        )
        self._connection.execute("COMMIT")
        rows = self._connection.execute(f"{_REFUNDS} WHERE order_id = ? ORDER BY rowid", (order_id,))
        return [_refund(row) for row in rows], closed

    def call_arrived(
        self, *, order_id: str, idempotency_key: str, arrived_unix_s: float, through_proxy: bool | None = None
    ) -> int:
        """Put a call on record before it is processed; returns its id for `call_ended`."""
        row = self._connection.execute(
            "INSERT INTO calls (order_id, idempotency_key, arrived_unix_s, answered_unix_s, status, replayed,"
            " through_proxy) VALUES (?, ?, ?, NULL, 0, 0, ?)",
            (order_id, idempotency_key, arrived_unix_s, None if through_proxy is None else int(through_proxy)),
        )
        call_id = row.lastrowid
        assert call_id is not None
        return call_id

    def call_ended(self, call_id: int, *, answered_unix_s: float | None, status: int, replayed: bool) -> None:
        """Complete the record of a call; without effect when the ledger was reset meanwhile."""
        self._connection.execute(
            "UPDATE calls SET answered_unix_s = ?, status = ?, replayed = ? WHERE call_id = ?",
            (answered_unix_s, status, int(replayed), call_id),
        )

    def reset(self) -> None:
        """Forget all charges, refunds and calls."""
        self._connection.executescript(
            "BEGIN IMMEDIATE; DELETE FROM charges; DELETE FROM refunds; DELETE FROM closed_orders;"
            " DELETE FROM calls; COMMIT;"
        )

    def charges(self) -> list[Charge]:
        """All charges in the order of their capture. Safe to call from another thread."""
        with closing(lab_file.connect(self._path)) as connection:
            rows = connection.execute(
                "SELECT charge_id, order_id, idempotency_key, amount_cents, captured_unix_s FROM charges"
                " ORDER BY captured_unix_s, rowid"
            )
            return [_charge(row) for row in rows]

    def refunds(self) -> list[Refund]:
        """All refunds in their order. Safe to call from another thread."""
        with closing(lab_file.connect(self._path)) as connection:
            return [_refund(row) for row in connection.execute(f"{_REFUNDS} ORDER BY refunded_unix_s, rowid")]

    def calls(self, *, since_unix_s: float = 0.0) -> list[Call]:
        """Calls that arrived at *since_unix_s* or later, in that order. Safe to call from another thread."""
        with closing(lab_file.connect(self._path)) as connection:
            rows = connection.execute(
                "SELECT order_id, idempotency_key, arrived_unix_s, answered_unix_s, status, replayed, through_proxy"
                " FROM calls"
                " WHERE arrived_unix_s >= ? ORDER BY arrived_unix_s, call_id",
                (since_unix_s,),
            )
            return [_call(row) for row in rows]

    def close(self) -> None:
        """Close the writing connection."""
        self._connection.close()


def _charge(row: tuple[str, str, str, int, float]) -> Charge:
    charge_id, order_id, idempotency_key, amount_cents, captured_unix_s = row
    return Charge(
        charge_id=charge_id,
        order_id=order_id,
        idempotency_key=idempotency_key,
        amount_cents=amount_cents,
        captured_unix_s=captured_unix_s,
    )


def _refund(row: tuple[str, str, str, int, float]) -> Refund:
    refund_id, charge_id, order_id, amount_cents, refunded_unix_s = row
    return Refund(
        refund_id=refund_id,
        charge_id=charge_id,
        order_id=order_id,
        amount_cents=amount_cents,
        refunded_unix_s=refunded_unix_s,
    )


def _call(row: tuple[str, str, float, float | None, int, int, int | None]) -> Call:
    order_id, idempotency_key, arrived_unix_s, answered_unix_s, status, replayed, through_proxy = row
    return Call(
        order_id=order_id,
        idempotency_key=idempotency_key,
        arrived_unix_s=arrived_unix_s,
        answered_unix_s=answered_unix_s,
        status=status,
        replayed=bool(replayed),
        through_proxy=None if through_proxy is None else bool(through_proxy),
    )
