"""Share of the questions "are you alive?" (`GET /live`) that were answered 200 within a second or what `within` says.

A process that can't say so is restarted by whoever watches it, and an outage of a dependency becomes one of the API.
Needs the operation `live` in the mix: it is asked through the same threads as everything else.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chaos.model.checks import ProbeKind, ProbeParams, Unit
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.units import Seconds
from chaos.probes._share import Share


class Params(ProbeParams):
    """Own keys of the probe.

    Attributes:
        within: Seconds from the intended start; whoever watches a process does not wait for ever.
    """

    op: Literal["live"] = Field("live", description="Always `live`.")
    within: Seconds = Field(1.0, gt=0, description="How long the answer may take, from the intended start.")

    def parts(self) -> tuple[str, ...]:
        return () if self.within == 1.0 else (f"{self.within:g}s",)


class _Alive(Share[Params]):
    least = 5  # it is asked now and then, and one miss is one too many anyway

    def meets(self, op: Operation) -> bool:
        return op.status == 200 and op.ended is not None and op.ended - op.intended <= self.params.within


KIND = ProbeKind(
    name="live_available", doc=first_paragraph(__doc__), unit=Unit.RATIO, params=Params, accumulator=_Alive
)
