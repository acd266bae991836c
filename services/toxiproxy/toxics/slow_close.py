"""`slow_close`: delay the close in one direction; data is not delayed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from services.toxiproxy.toxics.base import StageView, Toxic


@dataclass(slots=True)
class SlowClose(Toxic):
    """`delay` in ms."""

    type: ClassVar[str] = "slow_close"

    delay: int = 0

    async def run(self, stage: StageView) -> None:
        while (chunk := await stage.receive()) is not None:
            await stage.send(chunk)
        await stage.sleep(self.delay / 1000)
        stage.close()
