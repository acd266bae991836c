"""`limit_data`: close after so many bytes, per connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from services.toxiproxy.toxics.base import StageView, Toxic


@dataclass(slots=True)
class Passed:
    """Bytes that have passed on one connection since the toxic was added."""

    count: int = 0


@dataclass(slots=True)
class LimitData(Toxic):
    """`bytes` that pass; the chunk that goes beyond is truncated, then the stream ends."""

    type: ClassVar[str] = "limit_data"

    bytes: int = 0

    def new_state(self) -> Passed:
        return Passed()

    async def run(self, stage: StageView) -> None:
        passed = stage.state
        assert isinstance(passed, Passed)
        while (chunk := await stage.receive()) is not None:
            chunk.data = chunk.data[: max(self.bytes - passed.count, 0)]
            if chunk.data:
                passed.count += len(chunk.data)
                await stage.send(chunk)
            if passed.count >= self.bytes:
                break
        stage.close()
