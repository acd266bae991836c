"""Share of the operations that were answered with one of the given HTTP statuses.

With `at_least` it says which answers are right in a phase (an order during an outage: 202, 409 or 503), with `at_most`
which are wrong (500). What got no answer has no status and counts as none of them. Counted over main operations.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from chaos.model.checks import ProbeKind, ProbeParams, Unit
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.probes._share import Share

Status = Annotated[int, Field(ge=100, le=599, strict=True)]
Statuses = Annotated[
    tuple[Status, ...], BeforeValidator(lambda given: tuple(given) if isinstance(given, list) else given)
]


class Params(ProbeParams):
    """Own keys of the probe.

    Attributes:
        statuses: HTTP statuses that count.
    """

    statuses: Statuses = Field(min_length=1, description="HTTP statuses that count, such as [202, 503].")

    def parts(self) -> tuple[str, ...]:
        return (*super().parts(), "+".join(str(status) for status in self.statuses))


class _Mix(Share[Params]):
    def meets(self, op: Operation) -> bool:
        return op.status in self.params.statuses


KIND = ProbeKind(name="status_mix", doc=first_paragraph(__doc__), unit=Unit.RATIO, params=Params, accumulator=_Mix)
