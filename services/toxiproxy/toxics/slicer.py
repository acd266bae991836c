"""`slicer`: cut chunks into small packets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from services.toxiproxy.toxics.base import Chunk, InterruptedStage, StageView, Toxic


@dataclass(slots=True)
class Slicer(Toxic):
    """Packets of about `average_size` ± `size_variation` bytes, `delay` µs apart."""

    type: ClassVar[str] = "slicer"

    average_size: int = 0
    size_variation: int = 0
    delay: int = 0

    def cuts(self, start: int, end: int) -> Iterator[int]:
        """Where each piece of [start, end) ends: halve until the piece is no longer than average + variation."""
        if end - start - self.average_size <= self.size_variation:
            yield end
            return
        middle = start + (end - start) // 2
        if self.size_variation > 0:
            middle += random.randrange(-self.size_variation, self.size_variation)  # noqa: S311
        yield from self.cuts(start, middle)
        yield from self.cuts(middle, end)

    async def run(self, stage: StageView) -> None:
        loop = asyncio.get_running_loop()
        while (chunk := await stage.receive()) is not None:
            start, due_s = 0, loop.time()
            for end in self.cuts(0, len(chunk.data)):
                await stage.send(Chunk(chunk.data[start:end], chunk.received_s))
                start = end
                # A timer is no finer than a millisecond: keep the mean by not sleeping while behind.
                due_s += self.delay / 1_000_000
                try:
                    await stage.sleep(due_s - loop.time())
                except InterruptedStage:
                    await stage.send(Chunk(chunk.data[start:], chunk.received_s))
                    raise
        stage.close()

    def danger(self) -> str:
        if self.average_size >= 1 and 0 <= self.size_variation <= self.average_size:
            return ""
        return (
            f"slicer: got average_size {self.average_size} and size_variation {self.size_variation}, "
            "expected average_size >= 1 and 0 <= size_variation <= average_size"
        )
