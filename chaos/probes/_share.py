"""What the probes that measure a share of operations have in common."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from chaos.model.history import Operation
from chaos.probes._kind import Measurement, ProbeParams
from chaos.probes.success_ratio import MIN_SAMPLES

P = TypeVar("P", bound=ProbeParams)


OVERLOAD = frozenset({408, 425, 429, *range(500, 600)})
"""Statuses that an API also sends without any fault, when it or a dependency is too slow."""


class Share(Generic[P]):
    """The share of operations for which `meets` is true; with fewer than `least` operations there is no share.

    `lost` counts operations that a busy machine may have kept from meeting it: on an idle machine the share could be
    larger by so many.
    """

    least = MIN_SAMPLES

    def __init__(self, params: P) -> None:
        self.params = params
        self.seen = 0
        self.met = 0
        self.lost = 0

    def meets(self, op: Operation) -> bool:
        """Whether *op* counts as met."""
        raise NotImplementedError

    def add(self, op: Operation) -> None:
        self.seen += 1
        if self.meets(op):
            self.met += 1
        elif not op.status or op.status in OVERLOAD:
            self.lost += 1

    def merge(self, other: Any) -> None:
        self.seen += other.seen
        self.met += other.met
        self.lost += other.lost

    def measure(self) -> Measurement:
        figures = {"operations": self.seen, "met": self.met}
        if self.seen < self.least:
            reason = f"got {self.seen} operations, expected at least {self.least} to speak of a share"
            return Measurement(value=None, samples=self.seen, reason=reason, figures=figures)
        return Measurement(value=self.met / self.seen, samples=self.seen, figures=figures)
