"""`latency`: delays the data that a proxy passes on, in one direction."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, Literal

from pydantic import Field, model_validator

from chaos.faults._chance import tries
from chaos.faults._toxic import PATIENCE_S, DirectedToxic, ToxicKind, silent
from chaos.model.units import Seconds
from chaos.ports import CanaryReading, Lab

# A canary's timer and Toxiproxy's round to milliseconds independently of each other.
ROUNDING_S = 0.002
# A smaller delay could not be told from a busy machine.
LEAST_LATENCY_S = 0.01
# Jitter may shorten a delay to 0, so a canary has to measure this share of the mean delay at least once.
LEAST_SHARE = 0.5
# At most a quarter of all readings are below that share, so this many in a row are below it in one of 65,000 runs.
TRIES_WITH_JITTER = 8


class Latency(DirectedToxic):
    """Delay each chunk by `latency` ± `jitter`; connecting and a bare close are not delayed.

    Source: Toxiproxy README, "latency".
    """

    inject: Literal["latency"]
    latency: Seconds = Field(ge=LEAST_LATENCY_S, le=60, description="Mean delay.")
    jitter: Seconds = Field(0.0, ge=0, le=60, description="Uniform spread to both sides of the mean.")

    @model_validator(mode="after")
    def _spread(self) -> Latency:
        if self.jitter > self.latency:
            raise ValueError(f"got jitter {self.jitter:g}s, expected at most the latency {self.latency:g}s")
        return self


class LatencyKind(ToxicKind[Latency, CanaryReading]):
    """See `Latency`."""

    name = "latency"
    params = Latency

    def attributes(self, params: Latency) -> dict[str, int]:
        return {"latency": round(params.latency * 1000), "jitter": round(params.jitter * 1000)}

    def read(self, params: Latency, lab: Lab) -> CanaryReading:
        return lab.canary.read(params.on, timeout_s=self.slowest_s(params) + PATIENCE_S)

    def cost_s(self, reading: CanaryReading) -> float:
        return inf if reading.round_trip_s is None else reading.round_trip_s

    def why_not(self, before: CanaryReading, during: CanaryReading, params: Latency, *, alone: bool) -> str:
        if reason := silent(before):
            return reason
        least_s = _least_s(params)
        usual_s = before.round_trip_s or 0.0
        if alone and usual_s >= least_s:
            return f"the canary took {usual_s:.3f} s before the fault, expected less than {least_s:.3f} s"
        if not alone:  # the delay of the other faults is part of the baseline
            least_s += usual_s
        if during.round_trip_s is None:
            return f"the canary got no answer ({during.error}), expected one after {least_s:.3f} s or more"
        if during.round_trip_s < least_s:
            return f"the canary took {during.round_trip_s:.3f} s, expected at least {least_s:.3f} s"
        return ""

    def words(self, before: CanaryReading, during: CanaryReading, params: Latency) -> Mapping[str, Any]:
        least_s = round(_least_s(params), 6)
        return {"before_s": before.round_trip_s, "during_s": during.round_trip_s, "least_s": least_s}

    def looks(self, params: Latency) -> int:
        may_vanish = params.jitter > params.latency * (1 - LEAST_SHARE)
        return tries(params.toxicity) * (TRIES_WITH_JITTER if may_vanish else 1)

    def slowest_s(self, params: Latency) -> float:
        return params.latency + params.jitter


def _least_s(params: Latency) -> float:
    return max(params.latency - params.jitter, params.latency * LEAST_SHARE) - ROUNDING_S


KIND = LatencyKind()
