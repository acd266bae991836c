"""One toxic in one direction of one connection: a task between two queues, which can be stopped between two chunks."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from services.toxiproxy.toxics.base import Chunk, InterruptedStage, Toxic
from services.toxiproxy.toxics.noop import Noop

_LOG = logging.getLogger(__name__)
_NOOP = Noop()


@dataclass(slots=True, eq=False)
class ToxicEntry:
    """A toxic as a client of the API sees it.

    Attributes:
        stream: As the client wrote it.
        upstream: The direction that *stream* means.
        toxicity: Share of connections hit; rolled per connection and direction.
        behaviour: Attributes and what they do. Changed in place by updates, so running connections see it.
    """

    name: str
    stream: str
    upstream: bool
    toxicity: float
    behaviour: Toxic


class Sink(Protocol):
    """Where chunks go: the next stage, or the socket at the end."""

    @property
    def ready(self) -> bool:
        """Whether there is room. A chunk that is pushed without room is not lost; it only takes memory."""

    def push(self, chunk: Chunk) -> None:
        """Take *chunk*; dropped when closed."""

    def finish(self) -> None:
        """No chunk follows."""

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Call *callback* once, as soon as there is room or the sink is closed."""


class Waiters:
    """Callbacks that wait for room."""

    __slots__ = ("_callbacks",)

    def __init__(self) -> None:
        self._callbacks: list[Callable[[], None]] = []

    def add(self, callback: Callable[[], None]) -> None:
        """Remember it for the next `wake`."""
        self._callbacks.append(callback)

    def wake(self) -> None:
        """Call everything once."""
        if self._callbacks:
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                callback()


async def until_ready(sink: Sink) -> None:
    """Wait for room in *sink*."""
    while not sink.ready:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sink.when_ready(lambda future=future: None if future.done() else future.set_result(None))  # type: ignore[misc]
        await future


class Stage:
    """See the module. Implements `StageView` for its toxic and `Sink` for the stage or socket before it.

    Attributes:
        sink: The next stage, or the socket. Changed only while the stage is interrupted.
        closed: The stream has ended here.
    """

    def __init__(self, entry: ToxicEntry, sink: Sink) -> None:
        self.entry = entry
        self.sink = sink
        self.state = entry.behaviour.new_state()
        self.closed = False
        self._inbox: deque[Chunk] = deque()
        self._ended = False
        self._interrupting = False
        self._bypassed = False
        self._wake_up: asyncio.Future[None] | None = None
        self._room = Waiters()
        self._task: asyncio.Task[None] | None = None

    # --- for the chain -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Run the toxic, or pass everything on when its toxicity spares this connection. Drawn at every start."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        hit = random.random() < self.entry.toxicity  # noqa: S311
        try:
            await (self.entry.behaviour if hit else _NOOP).run(self)
        except InterruptedStage:
            pass
        except Exception:
            _LOG.exception("toxic %s: crashed, the connection is closed", self.entry.name)
            self.close()

    async def interrupt(self) -> bool:
        """Stop the toxic between two chunks; False when the stream has ended here. May take as long as a `send`."""
        if self.closed:
            return False
        self._interrupting = True
        self._wake()
        if self._task is not None:
            await asyncio.wait({self._task})
        self._interrupting = False
        return not self.closed

    def bypass(self) -> None:
        """Pass on unchanged all chunks that wait here and all later ones. Called while interrupted."""
        self._bypassed = True
        while self._inbox:
            self.sink.push(self._inbox.popleft())
        self._room.wake()
        if self._ended:
            self.close()

    def cancel(self) -> None:
        """End without passing anything on: the connection is gone."""
        self.closed = True
        self._inbox.clear()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        self._room.wake()

    # --- for what comes before it --------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        return self.closed or self._bypassed or len(self._inbox) < self.entry.behaviour.buffer_chunks

    def push(self, chunk: Chunk) -> None:
        if self._bypassed:
            self.sink.push(chunk)
        elif not self.closed:
            self._inbox.append(chunk)
            self._wake()

    def finish(self) -> None:
        self._ended = True
        if self._bypassed:
            self.close()
        else:
            self._wake()

    def when_ready(self, callback: Callable[[], None]) -> None:
        self._room.add(callback)

    # --- for its toxic -------------------------------------------------------------------------------------------

    async def receive(self) -> Chunk | None:
        while True:
            if self._interrupting:
                raise InterruptedStage
            if self._inbox:
                chunk = self._inbox.popleft()
                if self.ready:
                    self._room.wake()
                return chunk
            if self._ended:
                return None
            await self._wait(None)

    async def receive_within(self, idle_s: float | None) -> bool:
        loop = asyncio.get_running_loop()
        give_up_s = None if idle_s is None else loop.time() + idle_s
        while not self._inbox and not self._ended and not self._interrupting:
            left_s = None if give_up_s is None else give_up_s - loop.time()
            if left_s is not None and left_s <= 0:
                return False
            await self._wait(left_s)
        return await self.receive() is not None

    async def send(self, chunk: Chunk) -> None:
        self.sink.push(chunk)
        if not self.sink.ready:
            await until_ready(self.sink)

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + seconds
        while not self._interrupting:
            left_s = until_s - loop.time()
            if left_s <= 0:
                await asyncio.sleep(0)
                break
            await self._wait(left_s)
        if self._interrupting:
            raise InterruptedStage

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._inbox.clear()
            self._room.wake()
            self.sink.finish()

    async def _wait(self, timeout_s: float | None) -> None:
        """Until something happens to this stage, or *timeout_s* is over."""
        loop = asyncio.get_running_loop()
        self._wake_up = loop.create_future()
        timer = None if timeout_s is None or timeout_s == float("inf") else loop.call_later(timeout_s, self._wake)
        try:
            await self._wake_up
        finally:
            self._wake_up = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._wake_up is not None and not self._wake_up.done():
            self._wake_up.set_result(None)
