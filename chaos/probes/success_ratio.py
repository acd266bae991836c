"""Share of the scheduled operations that were answered as the contract promises: 2xx or a documented refusal.

Counted over main operations by their intended time. Operations that were dropped, timed out or have no answer yet count
against it: for the customer, each of them is a failure, regardless of its cause.
"""

from __future__ import annotations

from chaos.model.history import Operation, Outcome
from chaos.model.kinds import first_paragraph
from chaos.probes._kind import Measurement, ProbeKind, ProbeParams, Slow, Unit

OK = Outcome.OK
MIN_SAMPLES = 10
"""With fewer operations, a single one would change the share by more than 10 %."""


class _Answered:
    def __init__(self, _: ProbeParams) -> None:
        self.scheduled = 0
        self.answered = 0

    def add(self, op: Operation) -> None:
        self.scheduled += 1
        if op.outcome is OK or op.refused:
            self.answered += 1

    def merge(self, other: _Answered) -> None:
        self.scheduled += other.scheduled
        self.answered += other.answered

    def measure(self) -> Measurement:
        figures = {"scheduled": self.scheduled, "answered": self.answered}
        if self.scheduled < MIN_SAMPLES:
            reason = f"got {self.scheduled} operations, expected at least {MIN_SAMPLES} to speak of a share"
            return Measurement(value=None, samples=self.scheduled, reason=reason, figures=figures)
        return Measurement(value=self.answered / self.scheduled, samples=self.scheduled, figures=figures)


KIND = ProbeKind(
    name="success_ratio",
    doc=first_paragraph(__doc__),
    unit=Unit.RATIO,
    params=ProbeParams,
    accumulator=_Answered,
    slow=Slow.LOWERS,
)
