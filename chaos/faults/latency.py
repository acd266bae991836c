"""`latency`: delay what a proxy passes on, in one direction."""

from __future__ import annotations

from math import inf
from typing import Literal

from pydantic import Field, model_validator

from chaos.model.faults import ToxicFault
from chaos.model.units import Seconds
from chaos.ports import CanaryReading, FaultKind, Held, Lab, Proof, ToxicSpec

# A canary's timer and Toxiproxy's round to milliseconds independently of each other.
ROUNDING_S = 0.002
# Below it, no canary could tell the toxic from a machine that is busy.
LEAST_LATENCY_S = 0.01
# Jitter may shorten a delay to nothing, so a canary has to feel this share of the mean at least once.
LEAST_SHARE = 0.5
# A delay is below that share in a quarter of all readings at most, so this many in a row are one in 65,000 runs.
TRIES_WITH_JITTER = 8
# Toxicity is rolled per connection: enough fresh connections that a share of 0.1 is missed once in 10,000 runs.
TRIES_BELOW_FULL_TOXICITY = 90
# The quickest of some readings: one of them may have met a busy moment.
READINGS_BEFORE = 3


class Latency(ToxicFault):
    """Delay each chunk by `latency` ± `jitter`; connecting and a bare close are not delayed.

    Source: Toxiproxy README, "latency".
    """

    inject: Literal["latency"]
    latency: Seconds = Field(ge=LEAST_LATENCY_S, le=60, description="Mean delay.")
    jitter: Seconds = Field(0.0, ge=0, le=60, description="Uniform spread to both sides of the mean.")
    stream: Literal["downstream", "upstream"] = Field("downstream", description="downstream: towards the shop.")

    @model_validator(mode="after")
    def _spread(self) -> Latency:
        if self.jitter > self.latency:
            raise ValueError(f"got jitter {self.jitter:g}s, expected at most the latency {self.latency:g}s")
        return self


class LatencyKind(FaultKind):
    """See `Latency`."""

    name = "latency"
    params = Latency

    def arm(self, held: Held, lab: Lab) -> None:
        readings = [lab.canary.read(held.params.on, timeout_s=2.0) for _ in range(READINGS_BEFORE)]
        held.memory["before"] = min(readings, key=lambda reading: reading.round_trip_s or inf)

    def inject(self, held: Held, lab: Lab) -> None:
        params = _of(held)
        held.memory["mark"] = lab.upstream.mark(params.on)
        toxic = ToxicSpec(
            name=held.id,
            type="latency",
            stream=params.stream,
            toxicity=params.toxicity,
            attributes={"latency": round(params.latency * 1000), "jitter": round(params.jitter * 1000)},
        )
        held.injected_unix_s = lab.clock.now_unix_s()
        held.memory["read_back"] = dict(lab.proxies.add_toxic(params.on, toxic))
        held.effective_unix_s = lab.clock.now_unix_s()

    def prove(self, held: Held, lab: Lab) -> Proof:
        params, before = _of(held), held.memory["before"]
        least_s = max(params.latency - params.jitter, params.latency * LEAST_SHARE) - ROUNDING_S
        during = before
        for _ in range(_tries(params)):
            during = lab.canary.read(params.on, timeout_s=params.latency + params.jitter + 2.0)
            if during.round_trip_s is not None and during.round_trip_s >= least_s:
                break
        reason = _why_not(before, during, least_s)
        return Proof(
            proven=not reason,
            read_back=held.memory["read_back"],
            canary={"before_s": before.round_trip_s, "during_s": during.round_trip_s, "least_s": round(least_s, 6)},
            reason=reason,
        )

    def exposure(self, held: Held, lab: Lab) -> tuple[int, str]:
        return lab.upstream.met(_of(held).on, held.memory["mark"], cut=False)

    def lift(self, held: Held, lab: Lab) -> None:
        lab.proxies.remove_toxic(held.params.on, held.id)

    def gone(self, held: Held, lab: Lab) -> Proof:
        params = _of(held)
        reading = lab.canary.read(params.on, timeout_s=params.latency + params.jitter + 2.0)
        answered = reading.round_trip_s is not None
        return Proof(
            proven=answered,
            canary={"after_s": reading.round_trip_s},
            reason="" if answered else f"after lifting the canary got no answer: {reading.error}",
        )


def _tries(params: Latency) -> int:
    if params.toxicity < 1:
        return TRIES_BELOW_FULL_TOXICITY
    return TRIES_WITH_JITTER if params.jitter > params.latency * (1 - LEAST_SHARE) else 1


def _why_not(before: CanaryReading, during: CanaryReading, least_s: float) -> str:
    """Why the canary does not show the delay; empty when it does."""
    if before.round_trip_s is None:
        return f"the canary got no answer before the fault ({before.error}), so nothing can be compared"
    if before.round_trip_s >= least_s:
        return f"the canary took {before.round_trip_s:.3f} s before the fault, expected less than {least_s:.3f} s"
    if during.round_trip_s is None:
        return f"the canary got no answer ({during.error}), expected one after {least_s:.3f} s or more"
    if during.round_trip_s < least_s:
        return f"the canary took {during.round_trip_s:.3f} s, expected at least {least_s:.3f} s"
    return ""


def _of(held: Held) -> Latency:
    assert isinstance(held.params, Latency)
    return held.params


KIND = LatencyKind()
