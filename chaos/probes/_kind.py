"""What every probe has: a number over some operations, its unit and its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from math import isinf, isnan
from typing import Any, Protocol

from pydantic import Field

from chaos.model.history import Operation
from chaos.model.strict import StrictModel


class Unit(StrEnum):
    """The unit of a probe, which decides how a scenario writes the limit and how a finding shows the value."""

    RATIO = "ratio"
    SECONDS = "s"
    RATE = "per_s"

    def show(self, value: float) -> str:
        """`98.70 %`, `312 ms`; an infinite time is `no answer`."""
        if isnan(value):
            return "not a number"
        if self is Unit.RATIO:
            return f"{value * 100:.4g} %"
        if self is Unit.RATE:
            return f"{value:.3g}/s"
        if isinf(value):
            return "no answer"
        return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What a probe measured over some operations.

    Attributes:
        value: In the probe's unit; None when there were too few operations.
        samples: Number of operations measured.
        reason: Why there is no value; empty otherwise.
        figures: The numbers behind the value, by name with the unit in the name; None for an infinite time.
        idle_least, idle_most: The least and the largest value that an idle machine could have shown; None when nothing
            is known but the direction in which a busy machine moves the value.
    """

    value: float | None
    samples: int
    reason: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    idle_least: float | None = None
    idle_most: float | None = None


class ProbeParams(StrictModel):
    """The keys of every probe: it measures one operation of the mix, or all of them. Main operations only."""

    op: str | None = Field(None, description="Only this operation of the mix; left out: all of them.")

    def parts(self) -> tuple[str, ...]:
        """What distinguishes this use of the probe from others, for the finding's id."""
        return (self.op,) if self.op else ()


class Accumulator(Protocol):
    """Measures the operations added to it. `merge` adds those of another one of the same kind and parameters."""

    def add(self, op: Operation) -> None: ...

    def merge(self, other: Any) -> None: ...

    def measure(self) -> Measurement: ...


class Slow(StrEnum):
    """What a machine that is too busy does to a value: it makes it smaller, larger, or either."""

    LOWERS = "lowers"
    RAISES = "raises"
    EITHER = "either"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeKind:
    """A probe: it only reads. Usable as SLO, steady state and guardrail.

    Attributes:
        slow: What a busy machine does to its value. A bad value is excused only when the busy machine may have caused
            it, and a good one is accepted only when it can't have.
        doc: One paragraph for the scenario reference.
        params: Its keys in a scenario, besides the limit.
        accumulator: Makes an empty accumulator from the parameters.
    """

    name: str
    doc: str
    unit: Unit
    params: type[ProbeParams]
    accumulator: Callable[[Any], Accumulator]
    slow: Slow | Callable[[Any], Slow]

    def slowed(self, params: ProbeParams) -> Slow:
        """What a busy machine does to its value with these *params*."""
        return self.slow if isinstance(self.slow, Slow) else self.slow(params)

    def measure(self, operations: Iterable[Operation], params: ProbeParams) -> Measurement:
        """Measure *operations*. Pure; operations that the parameters exclude are skipped."""
        accumulator = self.accumulator(params)
        for op in operations:
            if op.main and params.op in (None, op.op):
                accumulator.add(op)
        return accumulator.measure()
