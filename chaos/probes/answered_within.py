"""Share of the operations that got any answer within a budget from their intended start: nothing hangs.

An error that comes quickly is an answer; a timeout, a reset and an arrival that was never sent are none. It complements
`success_ratio`, which judges the answers themselves. Counted over main operations.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.units import Seconds
from chaos.probes._kind import Measurement, ProbeKind, ProbeParams, Slow, Unit
from chaos.probes._share import Share


class Params(ProbeParams):
    """Own keys of the probe.

    Attributes:
        budget: Seconds from the intended start to the end of the answer.
    """

    budget: Seconds = Field(gt=0, description="How long an answer may take, from the intended start.")

    def parts(self) -> tuple[str, ...]:
        return (*super().parts(), f"{self.budget:g}s")


class _Within(Share[Params]):
    slowest_s = 0.0

    def meets(self, op: Operation) -> bool:
        if not op.status or op.ended is None:
            return False
        took_s = op.ended - op.intended
        self.slowest_s = max(self.slowest_s, took_s)
        return took_s <= self.params.budget

    def merge(self, other: Any) -> None:
        super().merge(other)
        self.slowest_s = max(self.slowest_s, other.slowest_s)

    def measure(self) -> Measurement:
        measured = super().measure()
        measured.figures["slowest_answer_ms"] = round(self.slowest_s * 1000, 3)
        return measured


KIND = ProbeKind(
    name="answered_within",
    doc=first_paragraph(__doc__),
    unit=Unit.RATIO,
    params=Params,
    accumulator=_Within,
    slow=Slow.LOWERS,
)
