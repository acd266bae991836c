"""What a toxic is, and what it may do to the stream that flows through it.

A toxic is one small file: a dataclass whose integer fields are the attributes on the wire, and a `run` that reads
chunks from its stage and passes them on. The same object serves every connection; what one connection has to remember
lives in the stage's `state`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol


@dataclass(slots=True)
class Chunk:
    """A piece of the stream. `received_s` is the event loop's clock when it was read; latency counts from there."""

    data: bytes
    received_s: float


class InterruptedStage(Exception):
    """The toxic has to stop between two chunks, because the chain is being changed.

    Raised by `receive` and `sleep`. A toxic that holds a chunk sends it on before it re-raises: no byte is lost.
    """


class StageView(Protocol):
    """One toxic in one direction of one connection."""

    state: object

    async def receive(self) -> Chunk | None:
        """The next chunk; None at the end of the stream, at every call. Raises: InterruptedStage."""

    async def receive_within(self, idle_s: float | None) -> bool:
        """Take a chunk and drop it; False at the end of the stream or after *idle_s* of silence (None: never).

        Raises: InterruptedStage.
        """

    async def send(self, chunk: Chunk) -> None:
        """Pass *chunk* on and wait until the next one has room. Not interruptible, as in the real server."""

    async def sleep(self, seconds: float) -> None:
        """Wait; with 0 or less it only lets other tasks run. Raises: InterruptedStage."""

    def close(self) -> None:
        """End the stream here: the next stage gets EOF, later chunks are dropped."""


class Toxic:
    """Base of all toxics.

    Attributes:
        type: The word on the wire.
        buffer_chunks: Chunks that may wait in front of it before its source is paused.
        closes_when_removed: Removing it ends every connection.
        resets_when_closed: Connections opened while it exists end with RST, whichever side closes them.
    """

    type: ClassVar[str] = ""
    buffer_chunks: ClassVar[int] = 1
    closes_when_removed: ClassVar[bool] = False
    resets_when_closed: ClassVar[bool] = False

    async def run(self, stage: StageView) -> None:
        """Serve one connection until the stream ends. Raises: InterruptedStage."""
        raise NotImplementedError

    def new_state(self) -> object:
        """What one connection remembers across interruptions."""
        return None

    def danger(self) -> str:
        """Why the real server would crash on these attributes; empty when it would not."""
        return ""
