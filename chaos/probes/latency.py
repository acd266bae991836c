"""A quantile of the time from the *intended* start to the promised answer (2xx or a documented refusal).

Counted over main operations by their intended time, so that an outage can't hide in the percentiles. An operation
without a promised answer (timeout, reset, error, never sent) counts as infinitely slow; leaving it out, or counting a
fast error as a fast answer, would make a broken API look quick. The quantile is the nearest rank, so it is the time of
an actual operation.
"""

from __future__ import annotations

import math
from array import array
from typing import Annotated

from pydantic import Field

from chaos.model.history import Operation, Outcome
from chaos.model.kinds import first_paragraph
from chaos.probes._kind import Measurement, ProbeKind, ProbeParams, Slow, Unit

OK = Outcome.OK


class Params(ProbeParams):
    """Own keys of the probe.

    Attributes:
        quantile: In (0, 1); 0.95 is the time that 95 % of the operations stay under.
    """

    quantile: Annotated[float, Field(gt=0, lt=1, strict=True, description="0.95 is what 95 % stay under.")] = 0.95

    def parts(self) -> tuple[str, ...]:
        return (*super().parts(), f"p{self.quantile * 100:g}")


def min_samples(quantile: float) -> int:
    """The fewest operations of which one lies beyond the quantile: 20 for p95, 100 for p99."""
    return math.ceil(round(1 / (1 - quantile), 6))


class _Latencies:
    def __init__(self, params: Params) -> None:
        self.quantile = params.quantile
        self.latencies_s = array("d")
        self.unanswered = 0

    def add(self, op: Operation) -> None:
        if op.ended is not None and (op.outcome is OK or op.refused):
            self.latencies_s.append(op.ended - op.intended)
        else:
            self.unanswered += 1

    def merge(self, other: _Latencies) -> None:
        self.latencies_s.extend(other.latencies_s)
        self.unanswered += other.unanswered

    def measure(self) -> Measurement:
        samples = len(self.latencies_s) + self.unanswered
        needed = min_samples(self.quantile)
        if samples < needed:
            reason = f"got {samples} operations, expected at least {needed} for a p{self.quantile * 100:g}"
            return Measurement(value=None, samples=samples, reason=reason, figures={"unanswered": self.unanswered})
        rank = math.ceil(round(self.quantile * samples, 6))
        value_s = sorted(self.latencies_s)[rank - 1] if rank <= len(self.latencies_s) else math.inf
        figures = {
            "quantile": self.quantile,
            "value_ms": None if math.isinf(value_s) else round(value_s * 1000, 3),
            "operations": samples,
            "unanswered": self.unanswered,
        }
        return Measurement(value=value_s, samples=samples, figures=figures)


KIND = ProbeKind(
    name="latency",
    doc=first_paragraph(__doc__),
    unit=Unit.SECONDS,
    params=Params,
    accumulator=_Latencies,
    slow=Slow.RAISES,
)
