"""`bandwidth`: limits the bytes per second of a connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from chaos.faults._toxic import FELT_S, PATIENCE_S, DirectedToxic, ToxicKind, broken, not_slower, took_s
from chaos.model.units import KilobytesPerS
from chaos.ports import Exchange, Lab

MOST_BYTES = 8000
# At this rate a canary's 8000 bytes take FELT_S, the smallest delay that can be told from a busy machine. A rate of 0
# would be `timeout`; Toxiproxy crashes on a negative or a huge one.
MOST_KB_PER_S = round(MOST_BYTES / FELT_S / 1000)
# How long the canary's echo takes: long enough to be told from noise, short enough for the shortest fault.
MEASURED_S = 0.4
# Toxiproxy waits after each piece, so the first piece may pass without a delay.
LEAST_SHARE = 0.7


class Bandwidth(DirectedToxic):
    """Pass on at most `rate` on each connection.

    Source: Toxiproxy README, "bandwidth".
    """

    inject: Literal["bandwidth"]
    rate: KilobytesPerS = Field(
        ge=1, le=MOST_KB_PER_S, description="Thousands of bytes a second, for each connection by itself."
    )


class BandwidthKind(ToxicKind[Bandwidth, Exchange]):
    """See `Bandwidth`."""

    name = "bandwidth"
    params = Bandwidth
    paces = True

    def attributes(self, params: Bandwidth) -> dict[str, int]:
        return {"rate": params.rate}

    def read(self, params: Bandwidth, lab: Lab) -> Exchange:
        size = _size(params)
        return lab.canary.echo(params.on, size, timeout_s=self.slowest_s(params) * 2 + PATIENCE_S)

    def cost_s(self, reading: Exchange) -> float:
        return took_s(reading)

    def why_not(self, before: Exchange, during: Exchange, params: Bandwidth, *, alone: bool) -> str:
        size = _size(params)
        return broken(before) or not_slower(before, during, self.slowest_s(params) * LEAST_SHARE, size)

    def words(self, before: Exchange, during: Exchange, params: Bandwidth) -> Mapping[str, Any]:
        size = _size(params)
        rate = round(size / during.last_s / 1000, 1) if during.whole and during.last_s else None
        return {"bytes": size, "before_s": before.last_s, "during_s": during.last_s, "during_kb_per_s": rate}

    def slowest_s(self, params: Bandwidth) -> float:
        return _size(params) / (params.rate * 1000)


def _size(params: Bandwidth) -> int:
    """Bytes of the canary's echo."""
    return min(MOST_BYTES, round(params.rate * 1000 * MEASURED_S))


KIND = BandwidthKind()
