"""`noop`: pass everything on; also used for any toxic on connections that its toxicity spares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from services.toxiproxy.toxics.base import StageView, Toxic


@dataclass(slots=True)
class Noop(Toxic):
    """Changes nothing."""

    type: ClassVar[str] = "noop"

    async def run(self, stage: StageView) -> None:
        while (chunk := await stage.receive()) is not None:
            await stage.send(chunk)
        stage.close()
