"""`slicer`: cuts data into small pieces with pauses between them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from chaos.faults._toxic import FELT_S, PATIENCE_S, DirectedToxic, ToxicKind, broken, not_slower, took_s
from chaos.model.units import Seconds
from chaos.ports import Exchange, Lab

MOST_BYTES = 8000
# Pieces have the average size only on average, so there may be fewer of them than computed.
LEAST_SHARE = 0.5


class Slicer(DirectedToxic):
    """Cut data into pieces of `average_size` ± `size_variation` bytes, and wait `delay` after each.

    Source: Toxiproxy README, "slicer".
    """

    inject: Literal["slicer"]
    average_size: int = Field(ge=1, le=4000, description="Bytes of a piece.")
    size_variation: int = Field(0, ge=0, description="Spread of a piece's size to both sides; at most the average.")
    delay: Seconds = Field(ge=0.0001, le=1, description="Pause after each piece; without one nobody could feel it.")

    @model_validator(mode="after")
    def _safe_and_felt(self) -> Slicer:
        if self.size_variation > self.average_size:  # Toxiproxy sometimes crashes on a larger one
            raise ValueError(
                f"got size_variation {self.size_variation}, expected at most the average_size {self.average_size}"
            )
        longest_s = MOST_BYTES // self.average_size * self.delay
        if longest_s * LEAST_SHARE < FELT_S:
            raise ValueError(
                f"got pieces of {self.average_size} bytes {self.delay * 1000:g}ms apart, expected smaller ones or more"
                f" delay: {MOST_BYTES} bytes come {longest_s * 1000:.0f}ms late, which no canary could feel"
            )
        return self


class SlicerKind(ToxicKind[Slicer, Exchange]):
    """See `Slicer`."""

    name = "slicer"
    params = Slicer
    paces = True

    def attributes(self, params: Slicer) -> dict[str, int]:
        delay_us = round(params.delay * 1_000_000)
        return {"average_size": params.average_size, "size_variation": params.size_variation, "delay": delay_us}

    def read(self, params: Slicer, lab: Lab) -> Exchange:
        return lab.canary.echo(params.on, _size(params), timeout_s=self.slowest_s(params) * 2 + PATIENCE_S)

    def cost_s(self, reading: Exchange) -> float:
        return took_s(reading)

    def why_not(self, before: Exchange, during: Exchange, params: Slicer, *, alone: bool) -> str:
        return broken(before) or not_slower(before, during, self.slowest_s(params) * LEAST_SHARE, _size(params))

    def words(self, before: Exchange, during: Exchange, params: Slicer) -> Mapping[str, Any]:
        return {
            "bytes": _size(params),
            "before_s": before.last_s,
            "during_s": during.last_s,
            "before_reads": before.reads,
            "during_reads": during.reads,
        }

    def slowest_s(self, params: Slicer) -> float:
        return _pieces(params) * params.delay


def _pieces(params: Slicer) -> int:
    """Pieces of the canary's echo: enough for a delay that can be measured, and at least 5."""
    return max(4, math.ceil(FELT_S / LEAST_SHARE / params.delay)) + 1


def _size(params: Slicer) -> int:
    return min(MOST_BYTES, _pieces(params) * params.average_size)


KIND = SlicerKind()
