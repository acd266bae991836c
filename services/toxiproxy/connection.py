"""The two sockets of a connection and the two links between them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

from services.toxiproxy.link import Link


class Side(asyncio.Protocol):
    """One socket. It starts paused: nothing is read before the links are attached.

    Attributes:
        outgoing: The link that reads from this socket.
        incoming: The link that writes to it.
    """

    outgoing: Link
    incoming: Link

    def __init__(self, on_lost: Callable[[Side], None]) -> None:
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._linked = False
        self._lost = False
        self._ended = False

    def attach(self, *, outgoing: Link, incoming: Link) -> None:
        """Connect the links and begin to read."""
        self.outgoing, self.incoming = outgoing, incoming
        self._linked = True
        if self._lost:
            self.outgoing.feed_eof()
            self.incoming.outlet.lost()
        else:
            self.resume()

    # --- called by the event loop --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.pause_reading()
        # Older Pythons (Debian 12's 3.11.2) begin to read after this call although it was paused.
        asyncio.get_running_loop().call_soon(self._pause_again)

    def _pause_again(self) -> None:
        """Pause reading once more, in case the event loop ignored the first pause."""
        if self._transport is not None and not self._linked and not self._transport.is_closing():
            self._transport.resume_reading()
            self._transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        self.outgoing.feed(data)

    def eof_received(self) -> bool:
        self._ended = True
        self.outgoing.feed_eof()
        return True  # keep the socket open: data of the other direction must still arrive

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = self._ended = True
        self._on_lost(self)
        if self._linked:
            self.incoming.outlet.lost()
            self.outgoing.feed_eof()

    def pause_writing(self) -> None:
        self.incoming.outlet.set_full(True)

    def resume_writing(self) -> None:
        self.incoming.outlet.set_full(False)

    # --- called by the links -------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send *data* after what is waiting already."""
        if self._transport is not None:
            self._transport.write(data)

    def pause(self) -> None:
        """Stop reading; TCP's flow control then slows the peer."""
        if self._transport is not None and not self._ended:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Continue reading."""
        if self._transport is not None and not self._ended:
            self._transport.resume_reading()

    def close(self) -> None:
        """Close both directions once all is written."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once; what is not written yet is lost."""
        if self._transport is not None:
            self._transport.abort()

    def reset_when_closed(self) -> None:
        """From now on, closing means RST."""
        if self._transport is not None:
            sock: socket.socket = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
