"""`reset_peer`: on the first data or EOF wait, then close with RST."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from services.toxiproxy.toxics.base import StageView, Toxic


@dataclass(slots=True)
class ResetPeer(Toxic):
    """`timeout` in ms. Connections that are older than the toxic end in FIN instead of RST."""

    type: ClassVar[str] = "reset_peer"
    resets_when_closed: ClassVar[bool] = True

    timeout: int = 0

    async def run(self, stage: StageView) -> None:
        await stage.receive()
        # Not interruptible on purpose: removing the toxic has to wait from here on, as in the real server.
        await asyncio.sleep(max(self.timeout, 0) / 1000)
        stage.close()
