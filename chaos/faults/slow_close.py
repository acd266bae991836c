"""`slow_close`: delays the close of a connection."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, Literal

from pydantic import Field

from chaos.faults._toxic import FELT_S, PATIENCE_S, DirectedToxic, ToxicKind, broken
from chaos.model.units import Seconds
from chaos.ports import Exchange, Lab

BYTES = 100
# A canary's timer and Toxiproxy's round to milliseconds independently of each other.
ROUNDING_S = 0.002


class SlowClose(DirectedToxic):
    """Wait `delay` before the close of a connection is passed on; data is not delayed.

    Source: Toxiproxy README, "slow_close".
    """

    inject: Literal["slow_close"]
    delay: Seconds = Field(ge=2 * FELT_S, le=10, description="How late a connection closes.")


class SlowCloseKind(ToxicKind[SlowClose, Exchange]):
    """See `SlowClose`."""

    name = "slow_close"
    params = SlowClose

    def attributes(self, params: SlowClose) -> dict[str, int]:
        return {"delay": round(params.delay * 1000)}

    def read(self, params: SlowClose, lab: Lab) -> Exchange:
        # Toxiproxy does not pass on a half-close: when we close our side, it closes both sides, after the delay.
        return lab.canary.echo(params.on, BYTES, timeout_s=params.delay + PATIENCE_S, finish=True)

    def cost_s(self, reading: Exchange) -> float:
        return inf if reading.closed_s is None else reading.closed_s

    def why_not(self, before: Exchange, during: Exchange, params: SlowClose, *, alone: bool) -> str:
        if reason := broken(before):
            return reason
        if before.closed_s is None:
            return "the canary's connection did not close before the fault, so nothing can be compared"
        if not during.whole or during.closed_s is None:
            what = "was not answered" if not during.whole else "did not close"
            return f"the canary's connection {what}, expected it to close {params.delay:.3f} s late"
        least_s = before.closed_s + params.delay - ROUNDING_S if not alone else params.delay - ROUNDING_S
        if alone and before.closed_s >= least_s:
            return f"the close took {before.closed_s:.3f} s before the fault, expected less than {least_s:.3f} s"
        if during.closed_s < least_s:
            return f"the close took {during.closed_s:.3f} s, expected at least {least_s:.3f} s"
        return ""

    def words(self, before: Exchange, during: Exchange, params: SlowClose) -> Mapping[str, Any]:
        return {"before_s": before.closed_s, "during_s": during.closed_s, "least_s": params.delay - ROUNDING_S}

    def slowest_s(self, params: SlowClose) -> float:
        return params.delay


KIND = SlowCloseKind()
