"""Share of the scheduled operations that were answered as the contract promises: 2xx or a documented refusal.

Counted over main operations by their intended time. What was dropped, timed out or is still without an answer counts
against it: an arrival that the schedule wanted and nobody answered is a failure for the customer, whoever caused it.
"""

from __future__ import annotations

from chaos.model.checks import Measurement, ProbeKind, ProbeParams, Unit
from chaos.model.history import Operation, Outcome
from chaos.model.kinds import first_paragraph

OK = Outcome.OK
MIN_SAMPLES = 10
"""Below ten operations one of them weighs more than ten per cent: that is an anecdote, not a share."""


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
    name="success_ratio", doc=first_paragraph(__doc__), unit=Unit.RATIO, params=ProbeParams, accumulator=_Answered
)
