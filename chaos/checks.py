"""What a scenario checks: invariants, probes with a limit, recovery; and the part of it that judging needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from chaos.invariants import InvariantKind
from chaos.model.faults import ExpectedFault
from chaos.model.span import Span
from chaos.model.strict import StrictModel
from chaos.probes import ProbeUse


@dataclass(frozen=True, slots=True, kw_only=True)
class InvariantCheck:
    """`{invariant: no_oversell}`"""

    invariant: InvariantKind
    params: StrictModel
    kind: Literal["invariant"] = "invariant"

    @property
    def id(self) -> str:
        """The finding's id."""
        return self.invariant.name


@dataclass(frozen=True, slots=True, kw_only=True)
class SloCheck:
    """`{slo: success_ratio, phase: spike, op: buy, at_least: 95%}`"""

    use: ProbeUse
    kind: Literal["slo"] = "slo"

    @property
    def id(self) -> str:
        """The finding's id."""
        return f"slo:{self.use.label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCheck:
    """`{recovers_within: 5s}`"""

    within_s: float
    kind: Literal["recovers_within"] = "recovers_within"

    @property
    def id(self) -> str:
        """The finding's id."""
        return "recovers_within"


CheckSpec: TypeAlias = InvariantCheck | SloCheck | RecoveryCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The part of a scenario that judging needs; phases carry their planned times.

    Attributes:
        sections: Of an exchange run, by name: when each was is known only afterwards. It has no phases.
    """

    phases: tuple[Span, ...]
    checks: tuple[CheckSpec, ...]
    steady_state: tuple[ProbeUse, ...] = ()
    guardrails: tuple[ProbeUse, ...] = ()
    faults: tuple[ExpectedFault, ...] = ()
    sections: tuple[str, ...] = ()
