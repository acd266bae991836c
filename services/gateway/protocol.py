"""The one thing that ASGI can't express: hanging up without an answer, and seeing that the caller has hung up."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORT = "firedrill.transport"


class TransportAwareProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol that also hands each request its transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        inner = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[_TRANSPORT] = transport
            await inner(scope, receive, send)

        self.app = app


def caller_is_gone(scope: Scope) -> bool:
    """Whether the caller's connection is closed, so that an answer would reach nobody."""
    transport: asyncio.Transport | None = scope.get(_TRANSPORT)
    return transport is not None and transport.is_closing()


async def drop_connection(scope: Scope, receive: Receive) -> None:
    """Close the caller's connection without an answer; returns when it is closed."""
    transport: asyncio.Transport | None = scope.get(_TRANSPORT)
    if transport is not None:
        transport.close()
    # Only after the disconnect was seen may the application return: before, uvicorn would answer 500 in its place.
    while (await receive())["type"] != "http.disconnect":
        pass
