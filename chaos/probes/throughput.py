"""Promised answers (2xx or a documented refusal) per second between the first and the last intended start.

Use it as a lower limit for the work that an API gets done: an API that fails quickly meets every time budget, but is
useless. A phase can't reach more than the rate that its schedule offers, so set the limit below that rate. Counted over
main operations.
"""

from __future__ import annotations

from math import inf

from chaos.model.history import Operation, Outcome
from chaos.model.kinds import first_paragraph
from chaos.probes._kind import Measurement, ProbeKind, ProbeParams, Slow, Unit
from chaos.probes.success_ratio import MIN_SAMPLES

OK = Outcome.OK
MIN_SPAN_S = 1.0


class _Throughput:
    def __init__(self, _: ProbeParams) -> None:
        self.seen = self.answered = 0
        self.first_s, self.last_s = inf, -inf

    def add(self, op: Operation) -> None:
        self.seen += 1
        if op.outcome is OK or op.refused:
            self.answered += 1
        self.first_s, self.last_s = min(self.first_s, op.intended), max(self.last_s, op.intended)

    def merge(self, other: _Throughput) -> None:
        self.seen += other.seen
        self.answered += other.answered
        self.first_s, self.last_s = min(self.first_s, other.first_s), max(self.last_s, other.last_s)

    def measure(self) -> Measurement:
        span_s = max(0.0, self.last_s - self.first_s) if self.seen else 0.0
        figures = {"operations": self.seen, "answered": self.answered, "span_s": round(span_s, 3)}
        if self.seen < MIN_SAMPLES or span_s < MIN_SPAN_S:
            reason = (
                f"got {self.seen} operations over {span_s:.1f} s, "
                f"expected at least {MIN_SAMPLES} over {MIN_SPAN_S:g} s to speak of a rate"
            )
            return Measurement(value=None, samples=self.seen, reason=reason, figures=figures)
        offered_per_s = (self.seen - 1) / span_s  # n operations have n - 1 gaps between them
        return Measurement(value=offered_per_s * self.answered / self.seen, samples=self.seen, figures=figures)


KIND = ProbeKind(
    name="throughput",
    doc=first_paragraph(__doc__),
    unit=Unit.RATE,
    params=ProbeParams,
    accumulator=_Throughput,
    slow=Slow.LOWERS,
)
