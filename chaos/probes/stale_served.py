"""Share of the reads that were answered 2xx from an old copy that says so: `X-Stale: true`, `Age` up to `max_age`.

With `at_least` it asks for the fallback during an outage; with `at_most`, in a phase without one, it notices an API
that answers from old copies although it need not. A copy without the marker, without an age, or older than `max_age`
counts as none. Counted over main operations.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from chaos.model.checks import Measurement, ProbeKind, ProbeParams, Unit
from chaos.model.history import Operation, Outcome
from chaos.model.kinds import first_paragraph
from chaos.model.units import Seconds
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
        return measured


KIND = ProbeKind(name="stale_served", doc=first_paragraph(__doc__), unit=Unit.RATIO, params=Params, accumulator=_Stale)
