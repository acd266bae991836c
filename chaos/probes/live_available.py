"""Share of the liveness checks (`GET /live`) that were answered 200 within a second, or within `within`.

An orchestrator restarts a process that fails this check, so an outage of a dependency would become one of the API.
Needs the operation `live` in the mix: the API answers it with the same threads as all other requests.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.units import Seconds
from chaos.probes._kind import ProbeKind, ProbeParams, Slow, Unit
from chaos.probes._share import Share


class Params(ProbeParams):
    """Own keys of the probe.

    Attributes:
        within: Seconds from the intended start, like an orchestrator's timeout.
    """

    op: Literal["live"] = Field("live", description="Always `live`.")
    within: Seconds = Field(1.0, gt=0, description="How long the answer may take, from the intended start.")

    def parts(self) -> tuple[str, ...]:
        return () if self.within == 1.0 else (f"{self.within:g}s",)


class _Alive(Share[Params]):
    least = 5  # `live` is rare in a mix, and even a single miss of few checks is a problem

    def meets(self, op: Operation) -> bool:
        return op.status == 200 and op.ended is not None and op.ended - op.intended <= self.params.within


KIND = ProbeKind(
    name="live_available",
    doc=first_paragraph(__doc__),
    unit=Unit.RATIO,
    params=Params,
    accumulator=_Alive,
    slow=Slow.LOWERS,
)
