"""`reset_peer`: resets a connection as soon as data comes through it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from chaos.faults._toxic import PATIENCE_S, DirectedToxic, ToxicKind, broken, took_s
from chaos.model.units import Seconds
from chaos.ports import Exchange, Lab

BYTES = 100
# After it has fired, removing the toxic and listing proxies wait for its timeout; our calls have a deadline of 5 s.
MOST_TIMEOUT_S = 2.0
RESETS = ("ConnectionResetError", "BrokenPipeError")


class ResetPeer(DirectedToxic):
    """Reset a connection (RST) when its first data comes, or `timeout` after that.

    Source: Toxiproxy README, "reset_peer".
    """

    inject: Literal["reset_peer"]
    timeout: Seconds = Field(0.0, ge=0, le=MOST_TIMEOUT_S, description="How long after the first data; 0s: at once.")


class ResetPeerKind(ToxicKind[ResetPeer, Exchange]):
    """See `ResetPeer`."""

    name = "reset_peer"
    params = ResetPeer
    severs = True

    def attributes(self, params: ResetPeer) -> dict[str, int]:
        return {"timeout": round(params.timeout * 1000)}

    def read(self, params: ResetPeer, lab: Lab) -> Exchange:
        return lab.canary.echo(params.on, BYTES, timeout_s=params.timeout + PATIENCE_S)

    def cost_s(self, reading: Exchange) -> float:
        return took_s(reading)

    def why_not(self, before: Exchange, during: Exchange, params: ResetPeer, *, alone: bool) -> str:
        if reason := broken(before):
            return reason
        if during.error in RESETS:
            return ""
        what = "an answer" if during.whole else during.error or "nothing"
        return f"the canary got {what}, expected a reset"

    def words(self, before: Exchange, during: Exchange, params: ResetPeer) -> Mapping[str, Any]:
        return {"before_s": before.last_s, "during": during.error or "answered"}

    def slowest_s(self, params: ResetPeer) -> float:
        return params.timeout


KIND = ResetPeerKind()
