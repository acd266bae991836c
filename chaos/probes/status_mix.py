"""Share of the operations that were answered with one of the given HTTP statuses.

With `at_least` it lists the right answers of a phase (for an order during an outage: 202, 409 or 503), with `at_most`
the wrong ones (500). An operation without an answer has no status and does not count. Counted over main operations.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import BeforeValidator, Field

from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.probes._kind import Measurement, ProbeKind, ProbeParams, Slow, Unit
from chaos.probes._share import OVERLOAD, Share

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

    def measure(self) -> Measurement:
        measured = super().measure()
        most = None if measured.value is None else measured.value + self.lost / self.seen
        return replace(measured, idle_most=most)


def _slow(params: Params) -> Slow:
    """A busy machine causes statuses of overload, or no answer, and makes all other answers fewer.

    For statuses of overload alone the share can move both ways. A list with other statuses, too, is a list of right
    answers, of which a busy machine can only make fewer.
    """
    return Slow.EITHER if OVERLOAD.issuperset(params.statuses) else Slow.LOWERS


KIND = ProbeKind(
    name="status_mix",
    doc=first_paragraph(__doc__),
    unit=Unit.RATIO,
    params=Params,
    accumulator=_Mix,
    slow=_slow,
)
