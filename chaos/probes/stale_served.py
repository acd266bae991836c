"""Share of the reads that were answered 2xx from an old copy, marked by `X-Stale: true` and an `Age` up to `max_age`.

With `at_least` it requires the fallback during an outage; with `at_most`, in a phase without an outage, it notices an
API that uses old copies needlessly. A copy without the marker, without an age, or older than `max_age` does not count.
Counted over main operations.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field

from chaos.model.history import Operation, Outcome
from chaos.model.kinds import first_paragraph
from chaos.model.units import Seconds
from chaos.probes._kind import Measurement, ProbeKind, ProbeParams, Slow, Unit
from chaos.probes._share import Share

OK = Outcome.OK


class Params(ProbeParams):
    """Own keys of the probe.

    Attributes:
        max_age: Seconds that a copy may be old, by its `Age`.
    """

    max_age: Seconds = Field(gt=0, description="How old a copy may be, by its `Age`.")

    def parts(self) -> tuple[str, ...]:
        return (*super().parts(), f"{self.max_age:g}s")


class _Stale(Share[Params]):
    oldest_s = 0

    def meets(self, op: Operation) -> bool:
        if not op.stale or op.age_s is None or op.outcome is not OK:
            return False
        self.oldest_s = max(self.oldest_s, op.age_s)
        return op.age_s <= self.params.max_age

    def merge(self, other: Any) -> None:
        super().merge(other)
        self.oldest_s = max(self.oldest_s, other.oldest_s)

    def measure(self) -> Measurement:
        measured = super().measure()
        measured.figures["oldest_copy_s"] = self.oldest_s
        if measured.value is None:
            return measured
        # A served copy proves the fallback, also on a busy machine; only lost operations could have raised the share.
        return replace(measured, idle_least=measured.value, idle_most=measured.value + self.lost / self.seen)


KIND = ProbeKind(
    name="stale_served",
    doc=first_paragraph(__doc__),
    unit=Unit.RATIO,
    params=Params,
    accumulator=_Stale,
    slow=Slow.EITHER,
)
