"""`timeout`: drop all data, and close when no data came in its direction for so long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from services.toxiproxy.toxics.base import StageView, Toxic


@dataclass(slots=True)
class Timeout(Toxic):
    """`timeout` in ms: an idle timer that each chunk restarts; 0 holds the connection until the toxic is removed."""

    type: ClassVar[str] = "timeout"
    closes_when_removed: ClassVar[bool] = True

    timeout: int = 0

    async def run(self, stage: StageView) -> None:
        idle_s = self.timeout / 1000 if self.timeout > 0 else None
        while await stage.receive_within(idle_s):
            pass
        stage.close()
