"""The SMTP side: each mail is on disk before the 250, and whether the client sent a command after it is recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from email.errors import MessageError
from email.parser import BytesHeaderParser
from email.policy import compat32
from functools import partial
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from services.door import DOOR
from services.mail.metrics import Metrics
from services.mail.store import Full, Mail, Store

NAME = "catcher.example"  # without an x: a canary counts the x in the whole conversation
IDENT = "catches mail, delivers none"
MOST_BYTES = 64 * 1024
MOST_RECIPIENTS = 10
MOST_CONNECTIONS = 200
IDLE_S = 60.0
MOST_ECHO_BYTES = 8000
_MOST_HEADER = 200


class Connection(SMTP):
    """One client. Besides mail it answers XECHO, with which a canary measures the network path."""

    # A canary's echo is one line; SMTP itself allows a line of a mail 1000 bytes.
    line_length_limit = MOST_ECHO_BYTES + 100
    command_size_limit = MOST_ECHO_BYTES + 50  # before EHLO; afterwards the usual 512

    def __init__(self, catcher: Catcher, **options: Any) -> None:
        super().__init__(catcher, **options)
        self._catcher = catcher
        self._is_counted = False
        self.taken: list[int] = []
        """Ids of the mails that this client brought."""
        self.unanswered: int | None = None
        """The last of them, while the client has sent no command after its 250."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        DOOR.caller(transport)  # records callers that don't come through the proxy
        if not self._catcher.admit():
            assert isinstance(transport, asyncio.Transport)
            transport.write(f"421 {NAME} too many connections\r\n".encode())
            transport.close()
        else:
            self._is_counted = True
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._is_counted:
            self._is_counted = False
            self._catcher.left(self)
        super().connection_lost(error)

    async def smtp_XECHO(self, arg: str | None) -> None:
        """Answers with its argument. Not in RFC 5321, which leaves names that begin with X to private use."""
        await self.push(f"250 {arg or ''}")


class Catcher:
    """The handler that aiosmtpd calls for each command."""

    def __init__(self, store: Store, metrics: Metrics, *, now: Callable[[], float] = time.time) -> None:
        self._store, self._metrics, self._now = store, metrics, now
        self._open = 0

    def connection(self, loop: asyncio.AbstractEventLoop) -> Connection:
        """The protocol for one client."""
        return Connection(
            self,
            data_size_limit=MOST_BYTES,
            hostname=NAME,
            ident=IDENT,
            timeout=IDLE_S,
            loop=loop,
        )

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Serve until the server is closed. Raises: OSError."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(partial(self.connection, loop), host, port, backlog=512)

    def admit(self) -> bool:
        """Whether there is room for another client; if so, it is counted."""
        if self._open >= MOST_CONNECTIONS:
            return False
        self._open += 1
        self._metrics.connections.set(self._open)
        return True

    def left(self, connection: Connection) -> None:
        """A counted client has disconnected."""
        self._open -= 1
        self._metrics.connections.set(self._open)
        self._store.closed(connection.taken, at_unix_s=self._now())

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accepts any address."""
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: Connection, session: Session, envelope: Envelope) -> str:
        """Store the mail, then answer 250."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            mail_id = self._store.add(_mail(envelope, content, received_unix_s=self._now()))
        except Full:
            self._metrics.mails.labels("full").inc()
            return "452 4.3.1 Too many mails"
        self._metrics.mails.labels("taken").inc()
        server.taken.append(mail_id)
        server.unanswered = mail_id
        return "250 2.0.0 Taken"

    async def handle_MAIL(
        self, server: Connection, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """The client begins a new mail, so it has read the 250 of the one before."""
        self._went_on(server)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RSET(self, server: Connection, session: Session, envelope: Envelope) -> str:
        """As `handle_MAIL`."""
        self._went_on(server)
        return "250 OK"

    async def handle_NOOP(self, server: Connection, session: Session, envelope: Envelope, arg: str) -> str:
        """As `handle_MAIL`."""
        self._went_on(server)
        return "250 OK"

    async def handle_QUIT(self, server: Connection, session: Session, envelope: Envelope) -> str:
        """As `handle_MAIL`."""
        self._went_on(server)
        return "221 Bye"

    def _went_on(self, server: Connection) -> None:
        if server.unanswered is not None:
            self._store.acknowledged(server.unanswered)
            server.unanswered = None


def _mail(envelope: Envelope, content: bytes, *, received_unix_s: float) -> Mail:
    try:
        headers = BytesHeaderParser(policy=compat32).parsebytes(content)
        message_id, order_id, subject = (_header(headers.get(n)) for n in ("Message-ID", "X-Order-Id", "Subject"))
    except (MessageError, ValueError):  # unreadable headers: it still counts as a mail, without a subject
        message_id = order_id = subject = ""
    return Mail(
        mail_from=_printable(envelope.mail_from or ""),
        rcpt_tos=[_printable(address) for address in envelope.rcpt_tos],
        message_id=message_id,
        order_id=order_id,
        subject=subject,
        size_bytes=len(content),
        received_unix_s=received_unix_s,
    )


def _header(value: object) -> str:
    return _printable("".join(str(value or "").splitlines()).strip())


def _printable(text: str) -> str:
    """*text*, cut, without control characters or halves of surrogate pairs, since reports show it."""
    text = text[:_MOST_HEADER].encode("utf-8", "replace").decode()
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
