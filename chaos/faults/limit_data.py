"""`limit_data`: closes a connection after a number of bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from chaos.faults._toxic import PATIENCE_S, DirectedToxic, ToxicKind, broken, took_s
from chaos.ports import Exchange, Lab

MOST_BYTES = 8000


class LimitData(DirectedToxic):
    """Pass on the first `bytes` of each connection, then close it, even in the middle of a message.

    Source: Toxiproxy README, "limit_data".
    """

    inject: Literal["limit_data"]
    bytes: int = Field(ge=1, lt=MOST_BYTES, description="After so many a connection ends, counted from its beginning.")


class LimitDataKind(ToxicKind[LimitData, Exchange]):
    """See `LimitData`."""

    name = "limit_data"
    params = LimitData
    severs = True

    def attributes(self, params: LimitData) -> dict[str, int]:
        return {"bytes": params.bytes}

    def read(self, params: LimitData, lab: Lab) -> Exchange:
        return lab.canary.echo(params.on, _size(params), timeout_s=PATIENCE_S)

    def cost_s(self, reading: Exchange) -> float:
        return took_s(reading)

    def why_not(self, before: Exchange, during: Exchange, params: LimitData, *, alone: bool) -> str:
        if reason := broken(before):
            return reason
        if not during.connected:
            return f"the canary was refused ({during.error}), expected a connection that ends too early"
        if during.whole or during.received > params.bytes:
            return f"the canary got {during.received} bytes, expected at most {params.bytes}"
        if during.error == "TimeoutError":
            return f"the canary got {during.received} bytes and no end, expected a connection that ends too early"
        if params.stream == "downstream" and during.received != params.bytes and during.error == "closed":
            return f"the canary got {during.received} bytes before the end, expected {params.bytes}"
        return ""

    def words(self, before: Exchange, during: Exchange, params: LimitData) -> Mapping[str, Any]:
        ending = during.error or "open"
        return {"asked": _size(params), "before": before.received, "during": during.received, "ended": ending}


def _size(params: LimitData) -> int:
    """Bytes of the canary's echo: more than may pass, in both directions."""
    return min(MOST_BYTES, params.bytes + 200)


KIND = LimitDataKind()
