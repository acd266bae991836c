"""`latency`: delay each chunk, counted from its arrival, so that pipelined chunks overlap."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import ClassVar

from services.toxiproxy.toxics.base import InterruptedStage, StageView, Toxic


@dataclass(slots=True)
class Latency(Toxic):
    """Uniform in latency ± jitter, both in ms. A bare FIN is not delayed, but waits behind delayed data."""

    type: ClassVar[str] = "latency"
    buffer_chunks: ClassVar[int] = 1024

    latency: int = 0
    jitter: int = 0

    def _delay_s(self) -> float:
        spread = random.uniform(-self.jitter, self.jitter) if self.jitter > 0 else 0.0  # noqa: S311
        return (self.latency + spread) / 1000

    async def run(self, stage: StageView) -> None:
        loop = asyncio.get_running_loop()
        while (chunk := await stage.receive()) is not None:
            wait_s = self._delay_s() - (loop.time() - chunk.received_s)
            try:
                if wait_s > 0:
                    await stage.sleep(wait_s)
            except InterruptedStage:
                await stage.send(chunk)
                raise
            # A second latency toxic counts from when this one let the chunk go.
            chunk.received_s += wait_s
            await stage.send(chunk)
        stage.close()

    def danger(self) -> str:
        return f"latency: got jitter {self.jitter}, expected less than 2^62" if self.jitter >= 2**62 else ""
