"""One direction of one connection: from a socket through the toxics of that direction to the other socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from services.toxiproxy.stage import Sink, Stage, ToxicEntry, Waiters, until_ready
from services.toxiproxy.toxics.base import Chunk

if TYPE_CHECKING:
    from services.toxiproxy.connection import Side

# The most that the real server reads at once; toxics work on chunks of this size.
CHUNK_BYTES = 32 * 1024


class Outlet:
    """The end of a link: the socket that it writes to."""

    def __init__(self, side: Side, ended: Callable[[], None]) -> None:
        self._side = side
        self._ended = ended
        self._room = Waiters()
        self._full = False
        self.closed = False
        self.sent_bytes = 0

    @property
    def ready(self) -> bool:
        return not self._full or self.closed

    def push(self, chunk: Chunk) -> None:
        self.write(chunk.data)

    def write(self, data: bytes) -> None:
        """Hand *data* to the socket; dropped when it is closed."""
        if not self.closed:
            self.sent_bytes += len(data)
            self._side.write(data)

    def finish(self) -> None:
        """Close the socket when all is written. Half-closing is not supported: this closes both of its directions."""
        if not self.closed:
            self.closed = True
            self._side.close()
            self._room.wake()
            self._ended()

    def lost(self) -> None:
        """The socket is closed: stages that wait for room continue, and what they write is dropped."""
        if not self.closed:
            self.closed = True
            self._room.wake()
            self._ended()

    def set_full(self, full: bool) -> None:
        """The socket's buffer is full, or has room again."""
        self._full = full
        if not full:
            self._room.wake()

    def when_ready(self, callback: Callable[[], None]) -> None:
        self._room.add(callback)


class Link:
    """See the module. Without toxics data goes straight from socket to socket, without a task or a queue.

    Attributes:
        upstream: True for client → upstream.
        ended: The socket that it writes to is closed.
    """

    def __init__(self, source: Side, target: Side, *, upstream: bool, on_end: Callable[[Link], None]) -> None:
        self.upstream = upstream
        self.ended = False
        self.received_bytes = 0
        self._source = source
        self._on_end = on_end
        self._stages: list[Stage] = []
        self._finished = False
        self._waiting = False
        self.outlet = Outlet(target, self._end)
        self._entry: Sink = self.outlet

    @property
    def sent_bytes(self) -> int:
        """Bytes handed to the socket at its end."""
        return self.outlet.sent_bytes

    # --- for the source ------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """*data* has arrived."""
        self.received_bytes += len(data)
        if not self._stages:
            self.outlet.write(data)
        else:
            now_s = asyncio.get_running_loop().time()
            for start in range(0, len(data), CHUNK_BYTES):
                self._entry.push(Chunk(data[start : start + CHUNK_BYTES], now_s))
        if not self._entry.ready and not self._waiting:
            self._waiting = True
            self._source.pause()
            self._entry.when_ready(self._resume)

    def _resume(self) -> None:
        self._waiting = False
        self._source.resume()

    def feed_eof(self) -> None:
        """The source has ended. Repeating it changes nothing."""
        if not self._finished:
            self._finished = True
            self._entry.finish()

    # --- for the chain of toxics ---------------------------------------------------------------------------------

    def begin(self, entries: list[ToxicEntry]) -> None:
        """Put *entries* between source and outlet; before any data."""
        for entry in reversed(entries):
            stage = Stage(entry, self._entry)
            self._stages.insert(0, stage)
            self._entry = stage
        for stage in self._stages:
            stage.start()

    async def add(self, entry: ToxicEntry) -> None:
        """Append a toxic. Waits while the other end does not read, as in the real server."""
        if self._stages:
            last = self._stages[-1]
            if await last.interrupt() and not self.ended:
                stage = Stage(entry, self.outlet)
                last.sink = stage
                self._stages.append(stage)
                stage.start()
                last.start()
            return
        await until_ready(self.outlet)
        if not self._finished and not self.ended:
            stage = Stage(entry, self.outlet)
            self._stages.append(stage)
            self._entry = stage
            stage.start()

    async def update(self, entry: ToxicEntry) -> None:
        """Restart a changed toxic."""
        for stage in self._stages:
            if stage.entry is entry and await stage.interrupt() and not self.ended:
                stage.start()

    async def remove(self, entry: ToxicEntry) -> None:
        """Remove a toxic; chunks that wait in it are passed on at once."""
        position = next((i for i, stage in enumerate(self._stages) if stage.entry is entry), None)
        if position is None:
            return
        stage = self._stages[position]
        if not await stage.interrupt() or self.ended:
            return
        if entry.behaviour.closes_when_removed:
            stage.close()
            return
        stage.bypass()
        if position == 0:
            self._entry = stage.sink
        else:
            before = self._stages[position - 1]
            if not await before.interrupt() or self.ended:
                return
            before.sink = stage.sink
            before.start()
        self._stages.remove(stage)

    def _end(self) -> None:
        self.ended = True
        for stage in self._stages:
            stage.cancel()
        self._on_end(self)
