"""`timeout`: the proxy accepts data and passes none on."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, Literal

from pydantic import Field, field_validator

from chaos.faults._toxic import DirectedToxic, ToxicKind, silent
from chaos.model.faults import FaultParams
from chaos.model.units import Seconds
from chaos.ports import CanaryReading, Lab

# An upstream that otherwise answers within 1 ms counts as silent after this time.
SILENCE_S = 1.0
LEAST_TIMEOUT_S = 0.01


class Timeout(DirectedToxic):
    """Drop all data of one direction. Connecting still works; the lift closes the open connections.

    Source: Toxiproxy README, "timeout".
    """

    inject: Literal["timeout"]
    timeout: Seconds = Field(
        0.0, ge=0, le=60, description="Close a connection after so much silence; 0s: leave it open until the lift."
    )

    @field_validator("timeout")
    @classmethod
    def _whole_ms(cls, value: float) -> float:
        if 0 < value < LEAST_TIMEOUT_S:
            raise ValueError(f"got {value:g}s, expected 0s, or at least {LEAST_TIMEOUT_S:g}s")
        return value


class TimeoutKind(ToxicKind[Timeout, CanaryReading]):
    """See `Timeout`."""

    name = "timeout"
    params = Timeout
    severs = True

    def proof_s(self, params: FaultParams) -> float:
        return SILENCE_S

    def attributes(self, params: Timeout) -> dict[str, int]:
        return {"timeout": round(params.timeout * 1000)}

    def read(self, params: Timeout, lab: Lab) -> CanaryReading:
        return lab.canary.read(params.on, timeout_s=SILENCE_S)

    def cost_s(self, reading: CanaryReading) -> float:
        return inf if reading.round_trip_s is None else reading.round_trip_s

    def why_not(self, before: CanaryReading, during: CanaryReading, params: Timeout, *, alone: bool) -> str:
        if reason := silent(before):
            return reason
        if during.round_trip_s is not None:
            return f"the canary got an answer after {during.round_trip_s:.3f} s, expected none"
        if not during.connected:
            return f"the canary was refused ({during.error}), expected a connection without an answer"
        return ""

    def words(self, before: CanaryReading, during: CanaryReading, params: Timeout) -> Mapping[str, Any]:
        answered = during.round_trip_s is not None
        return {"before_s": before.round_trip_s, "during": "answered" if answered else f"silent ({during.error})"}


KIND = TimeoutKind()
