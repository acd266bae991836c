"""The mails that were taken, in one SQLite file that outlives the process."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from services import lab_file

MOST_MAILS = 100_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS mails (
    mail_id INTEGER PRIMARY KEY,
    mail_from TEXT NOT NULL,
    rcpt_tos TEXT NOT NULL,
    message_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    received_unix_s REAL NOT NULL,
    acknowledged INTEGER NOT NULL,
    closed_unix_s REAL
);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail that was answered with 250.

    Attributes:
        rcpt_tos: The envelope's recipients.
        message_id, order_id, subject: Its headers `Message-ID`, `X-Order-Id`, `Subject`; empty without one.
        acknowledged: The client sent a command after the 250, so it has read the 250. A client whose connection ended
            right after the 250 may not have read it, and then has to send the mail again.
        closed_unix_s: When the connection that brought it ended; None while it is open.
    """

    mail_from: str
    rcpt_tos: list[str]
    message_id: str
    order_id: str
    subject: str
    size_bytes: int
    received_unix_s: float
    acknowledged: bool = False
    closed_unix_s: float | None = None


class Full(Exception):
    """No further mail is taken: a shop does not send so many."""


class Store:
    """Writes go through one connection on the event loop's thread; the long read opens one of its own."""

    def __init__(self, path: Path, *, most: int = MOST_MAILS) -> None:
        """Open or create the file.

        Raises:
            OSError, sqlite3.Error: It is no database, or can't be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._most = path, most
        self._connection = lab_file.connect(self._path)
        self._connection.executescript(_SCHEMA)
        self.count: int = self._connection.execute("SELECT count(*) FROM mails").fetchone()[0]

    def add(self, mail: Mail) -> int:
        """Keep *mail*; when this returns, a kill of this process no longer loses it. Returns its id.

        Raises:
            Full: There are too many already.
        """
        if self.count >= self._most:
            raise Full
        row = self._connection.execute(
            "INSERT INTO mails (mail_from, rcpt_tos, message_id, order_id, subject, size_bytes, received_unix_s,"
            " acknowledged, closed_unix_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                mail.mail_from,
                json.dumps(mail.rcpt_tos),
                mail.message_id,
                mail.order_id,
                mail.subject,
                mail.size_bytes,
                mail.received_unix_s,
                int(mail.acknowledged),
                mail.closed_unix_s,
            ),
        )
        self.count += 1
        assert row.lastrowid is not None
        return row.lastrowid

    def acknowledged(self, mail_id: int) -> None:
        """The client has sent a command after the mail's 250."""
        self._connection.execute("UPDATE mails SET acknowledged = 1 WHERE mail_id = ?", (mail_id,))

    def closed(self, mail_ids: list[int], *, at_unix_s: float) -> None:
        """The connection that brought them has ended."""
        self._connection.executemany(
            "UPDATE mails SET closed_unix_s = ? WHERE mail_id = ?", [(at_unix_s, mail_id) for mail_id in mail_ids]
        )

    def mails(self) -> list[Mail]:
        """All of them, oldest first. Safe to call from another thread."""
        with closing(lab_file.connect(self._path)) as connection:
            rows = connection.execute(
                "SELECT mail_from, rcpt_tos, message_id, order_id, subject, size_bytes, received_unix_s, acknowledged,"
                " closed_unix_s FROM mails ORDER BY mail_id"
            )
            return [_mail(row) for row in rows]

    def reset(self) -> None:
        """Forget all mails."""
        self._connection.execute("DELETE FROM mails")
        self.count = 0

    def close(self) -> None:
        """Close the writing connection."""
        self._connection.close()


def _mail(row: tuple[str, str, str, str, str, int, float, int, float | None]) -> Mail:
    mail_from, rcpt_tos, message_id, order_id, subject, size_bytes, received_unix_s, acknowledged, closed_unix_s = row
    return Mail(
        mail_from=mail_from,
        rcpt_tos=json.loads(rcpt_tos),
        message_id=message_id,
        order_id=order_id,
        subject=subject,
        size_bytes=size_bytes,
        received_unix_s=received_unix_s,
        acknowledged=bool(acknowledged),
        closed_unix_s=closed_unix_s,
    )
