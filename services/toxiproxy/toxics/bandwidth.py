"""`bandwidth`: let a limited number of bytes through per second, per connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from services.toxiproxy.toxics.base import Chunk, InterruptedStage, StageView, Toxic

SLICE_S = 0.1
# rate * 100, the bytes of one slice, is a 64-bit number in the real server.
LARGEST_RATE = (2**63 - 1) // 100


@dataclass(slots=True)
class Bandwidth(Toxic):
    """`rate` in KB/s, 1 KB = 1000 bytes. 0 stalls, also a FIN behind pending data, until changed or removed."""

    type: ClassVar[str] = "bandwidth"

    rate: int = 0

    async def run(self, stage: StageView) -> None:
        loop = asyncio.get_running_loop()
        owed_s = 0.0  # carries timer errors over to the next chunk
        while (chunk := await stage.receive()) is not None:
            try:
                if self.rate <= 0:
                    await stage.sleep(float("inf"))
                owed_s += len(chunk.data) / (self.rate * 1000)
                while len(chunk.data) > (slice_bytes := self.rate * 100):
                    await stage.sleep(SLICE_S)
                    await stage.send(Chunk(chunk.data[:slice_bytes], chunk.received_s))
                    chunk.data = chunk.data[slice_bytes:]
                    owed_s -= SLICE_S
                started_s = loop.time()
                await stage.sleep(owed_s)
                owed_s -= loop.time() - started_s
            except InterruptedStage:
                await stage.send(chunk)
                raise
            await stage.send(chunk)
        stage.close()

    def danger(self) -> str:
        if 0 <= self.rate <= LARGEST_RATE:
            return ""
        return f"bandwidth: got rate {self.rate}, expected 0 to {LARGEST_RATE}"
