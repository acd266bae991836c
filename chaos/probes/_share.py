"""What probes have in common that measure a share of operations."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from chaos.model.checks import Measurement, ProbeParams
from chaos.model.history import Operation
from chaos.probes.success_ratio import MIN_SAMPLES

P = TypeVar("P", bound=ProbeParams)


class Share(Generic[P]):
    """The share of operations that `meets` is true of; too few of them are no share."""

    least = MIN_SAMPLES

    def __init__(self, params: P) -> None:
        self.params = params
        self.seen = 0
        self.met = 0

    def meets(self, op: Operation) -> bool:
        """Whether *op* counts."""
        raise NotImplementedError

    def add(self, op: Operation) -> None:
        self.seen += 1
        if self.meets(op):
            self.met += 1

    def merge(self, other: Any) -> None:
        self.seen += other.seen
        self.met += other.met

    def measure(self) -> Measurement:
        figures = {"operations": self.seen, "met": self.met}
        if self.seen < self.least:
            reason = f"got {self.seen} operations, expected at least {self.least} to speak of a share"
            return Measurement(value=None, samples=self.seen, reason=reason, figures=figures)
        return Measurement(value=self.met / self.seen, samples=self.seen, figures=figures)
