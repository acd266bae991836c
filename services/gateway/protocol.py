"""What ASGI can't express: closing without an answer, seeing that the caller has hung up, and who the caller is."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.door import DOOR, Caller

_TRANSPORT = "firedrill.transport"
_CALLER = "firedrill.caller"


class TransportAwareProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol that also gives each request its transport and its caller."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        inner = self.app
        caller = DOOR.caller(transport)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[_TRANSPORT] = transport
            scope[_CALLER] = caller
            await inner(scope, receive, send)

        self.app = app


def caller_of(scope: Scope) -> Caller | None:
    """Who made the connection; None for one that this protocol did not accept."""
    caller: Caller | None = scope.get(_CALLER)
    return caller


def caller_is_gone(scope: Scope) -> bool:
    """Whether the caller's connection is closed, so that no answer can reach it."""
    transport: asyncio.Transport | None = scope.get(_TRANSPORT)
    return transport is not None and transport.is_closing()


async def drop_connection(scope: Scope, receive: Receive) -> None:
    """Close the caller's connection without an answer; returns when it is closed."""
    transport: asyncio.Transport | None = scope.get(_TRANSPORT)
    if transport is not None:
        transport.close()
    # The application may return only after the disconnect: if it returned earlier, uvicorn would answer 500.
    while (await receive())["type"] != "http.disconnect":
        pass
