"""A probe with its parameters and its limit, and the effect of a busy machine on meeting it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from chaos.probes._kind import Measurement, ProbeKind, ProbeParams, Slow, Unit

LimitWord: TypeAlias = Literal["at_least", "at_most", "below", "above"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit in the probe's unit. `at_least` and `at_most` are required; a guardrail trips on `below` and `above`."""

    word: LimitWord
    value: float

    def true_of(self, measured: float) -> bool:
        """Whether the limit is true of *measured*; never true of NaN."""
        match self.word:
            case "at_least":
                return measured >= self.value
            case "at_most":
                return measured <= self.value
            case "below":
                return measured < self.value
            case "above":
                return measured > self.value

    def show(self, unit: Unit) -> str:
        """`at least 99 %`."""
        return f"{self.word.replace('_', ' ')} {unit.show(self.value)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeUse:
    """A probe with its parameters and limit.

    Attributes:
        phase: For an SLO: the load phase that it judges, by intended time; empty otherwise.
        during_s: For a guardrail: how long the limit must be true without a break to abort the run; 0 otherwise.
    """

    probe: ProbeKind
    params: ProbeParams
    limit: Limit
    phase: str = ""
    during_s: float = 0.0

    @property
    def _worse(self) -> Slow:
        """The direction in which a value gets worse."""
        return Slow.LOWERS if self.limit.word in ("at_least", "above") else Slow.RAISES

    @property
    def only_worse(self) -> bool:
        """Whether a busy machine can only make it miss its limit, never make it meet it."""
        return self.probe.slowed(self.params) is self._worse

    @property
    def may_be_worse(self) -> bool:
        """Whether a busy machine can make it miss its limit."""
        return self.only_worse or self.probe.slowed(self.params) is Slow.EITHER

    def met_anyway(self, measured: Measurement) -> bool:
        """Whether an idle machine would certainly have met the limit, too."""
        known = measured.idle_least if self._worse is Slow.LOWERS else measured.idle_most
        worst = measured.value if known is None and self.only_worse else known
        return worst is not None and self.limit.true_of(worst)

    @property
    def label(self) -> str:
        """`latency[spike,browse,p95]`."""
        parts = ((self.phase,) if self.phase else ()) + self.params.parts()
        return f"{self.probe.name}[{','.join(parts)}]" if parts else self.probe.name
