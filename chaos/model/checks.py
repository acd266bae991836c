"""What a scenario can check: invariants, probes with a limit, recovery; and how such a check meets the history.

A check is a *reducer*: operations are fed one at a time, in no particular order, in a single pass over the history, and
at the end it says what it found. Reducers keep only what they need: a history may hold millions of operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from math import isinf, isnan
from typing import Any, Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from chaos.model.evidence import EndState, QueueSample
from chaos.model.history import Operation
from chaos.model.units import RatePerS, Ratio, Seconds
from chaos.model.verdict import Finding


class StrictModel(BaseModel):
    """Unknown keys are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# --- probes ----------------------------------------------------------------------------------------------------------


class Unit(StrEnum):
    """What a probe measures in: it decides how a scenario writes the limit and how a finding shows it."""

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


_LIMIT_TYPE: dict[Unit, Any] = {
    Unit.RATIO: Ratio,
    Unit.SECONDS: Seconds,
    Unit.RATE: RatePerS,
}

LimitWord: TypeAlias = Literal["at_least", "at_most", "below", "above"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """`at_least` and `at_most` are wanted; `below` and `above` are what a guardrail trips on. In the probe's unit."""

    word: LimitWord
    value: float

    def true_of(self, measured: float) -> bool:
        """Whether the words are true of *measured*; never of NaN."""
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
class Measurement:
    """What a probe measured over some operations.

    Attributes:
        value: In the probe's unit; None when there was too little to measure.
        samples: Operations that went into it.
        reason: Why there is no value; empty otherwise.
        figures: The numbers behind it, by name with the unit in the name; None for an infinite time.
    """

    value: float | None
    samples: int
    reason: str = ""
    figures: dict[str, Any] = field(default_factory=dict)


class ProbeParams(StrictModel):
    """What every probe can be narrowed to: one operation of the mix, or all of them. Main operations only."""

    op: str | None = Field(None, description="Only this operation of the mix; left out: all of them.")

    def parts(self) -> tuple[str, ...]:
        """What distinguishes this use of the probe from others, for the finding's id."""
        return (self.op,) if self.op else ()


class Accumulator(Protocol):
    """Measures over operations that it is shown. `merge` adds what another of the same kind and parameters saw."""

    def add(self, op: Operation) -> None: ...

    def merge(self, other: Any) -> None: ...

    def measure(self) -> Measurement: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeKind:
    """A probe: reads, never changes anything. Usable as SLO, steady state and guardrail.

    Attributes:
        doc: One paragraph for the scenario reference.
        params: Its own keys in a scenario, besides the limit.
        accumulator: Makes an empty accumulator from params.
    """

    name: str
    doc: str
    unit: Unit
    params: type[ProbeParams]
    accumulator: Callable[[Any], Accumulator]

    def measure(self, operations: Iterable[Operation], params: ProbeParams) -> Measurement:
        """Measure a window of the history. Pure; operations that the parameters leave out are skipped."""
        accumulator = self.accumulator(params)
        for op in operations:
            if op.main and params.op in (None, op.op):
                accumulator.add(op)
        return accumulator.measure()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeUse:
    """A probe with its parameters and limit.

    Attributes:
        phase: For an SLO: the load phase that it judges, by intended time. Else empty.
        during_s: For a guardrail: how long the limit must be true without a break before the run is aborted. Else 0.
    """

    probe: ProbeKind
    params: ProbeParams
    limit: Limit
    phase: str = ""
    during_s: float = 0.0

    @property
    def label(self) -> str:
        """`latency[spike,browse,p95]`."""
        parts = ((self.phase,) if self.phase else ()) + self.params.parts()
        return f"{self.probe.name}[{','.join(parts)}]" if parts else self.probe.name


# --- invariants ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A load phase on the run's clock: seconds since the load's start."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a reducer may look at when the history has passed.

    Attributes:
        state: The end state; a witness named in `state.missing` must not be read.
        t0_unix_s: Wall clock of the history's second 0.
        history_complete: False when a file of the history has no end or doesn't add up: then absence proves nothing.
        lifted_s: When the last fault was lifted; None without a fault, or when one was not lifted.
        queue: The broker's queues second by second, as far as they could be read.
    """

    state: EndState
    t0_unix_s: float
    phases: tuple[Span, ...]
    history_complete: bool
    lifted_s: float | None = None
    queue: tuple[QueueSample, ...] = ()


class Reducer(Protocol):
    """One check on its way through the history."""

    def feed(self, op: Operation) -> None: ...

    def finish(self, context: Context) -> Finding: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InvariantKind:
    """An exact truth over the whole history and the end state.

    Attributes:
        doc: One paragraph for the scenario reference; says what is decided.
        expected: What has to be true, in words: what its findings say.
        params: Its own keys in a scenario.
        ops: Operations that it wants to be fed, second tries included; None for all.
        requires_ops: Operations that the mix must hold, else the check is refused at load.
        witnesses: Fields of `EndState` that it reads; when one is missing the finding is inconclusive.
        reducer: Makes a reducer from params.
    """

    name: str
    doc: str
    expected: str
    params: type[StrictModel]
    ops: frozenset[str] | None
    requires_ops: frozenset[str]
    witnesses: frozenset[str]
    reducer: Callable[[Any], Reducer]


# --- the checks of a scenario ----------------------------------------------------------------------------------------


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
class ExpectedFault:
    """A fault that the scenario wants to have been injected, proven and felt.

    Attributes:
        id: The same id as in the journal.
        exposed_at_least: How many calls or tasks must have met it.
    """

    id: str
    kind: str
    on: str
    exposed_at_least: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The part of a scenario that judging needs; phases carry their planned times."""

    phases: tuple[Span, ...]
    checks: tuple[CheckSpec, ...]
    steady_state: tuple[ProbeUse, ...] = ()
    guardrails: tuple[ProbeUse, ...] = ()
    faults: tuple[ExpectedFault, ...] = ()


# --- how a scenario file writes them: strict models made from the kinds ----------------------------------------------


class InvariantModel(StrictModel):
    """Base of the models that `invariant_model` makes."""

    def spec(self, kind: InvariantKind) -> InvariantCheck:
        """The check that this entry of the file means."""
        return InvariantCheck(invariant=kind, params=_own(self, kind.params))


class ProbeModel(StrictModel):
    """Base of the models that `slo_model`, `steady_model` and `guardrail_model` make."""

    @model_validator(mode="after")
    def _exactly_one_limit(self) -> ProbeModel:
        words = [word for word in ("at_least", "at_most", "below", "above") if word in type(self).model_fields]
        given = [word for word in words if getattr(self, word) is not None]
        if len(given) != 1:
            raise ValueError(f"got {' and '.join(given) or 'no limit'}, expected one of {', '.join(words)}")
        return self

    def use(self, kind: ProbeKind) -> ProbeUse:
        """The probe with its limit that this entry of the file means."""
        words: tuple[LimitWord, ...] = ("at_least", "at_most", "below", "above")
        limit = next(
            Limit(word=word, value=getattr(self, word)) for word in words if getattr(self, word, None) is not None
        )
        return ProbeUse(
            probe=kind,
            params=_own(self, kind.params),
            limit=limit,
            phase=getattr(self, "phase", ""),
            during_s=getattr(self, "during", 0.0),
        )


class RecoversWithinModel(StrictModel):
    """`{recovers_within: 5s}`: how soon after the last lift the steady state must be back, and stay."""

    recovers_within: Seconds = Field(description="Counted from the last lift.")

    def spec(self) -> RecoveryCheck:
        """The check that this entry of the file means."""
        return RecoveryCheck(within_s=self.recovers_within)


def _own(model: BaseModel, params: type[Any]) -> Any:
    """The kind's own parameters out of *model*, which has been validated already."""
    return params.model_construct(**{name: getattr(model, name) for name in params.model_fields})


def _tag(name: str) -> Any:
    """A field that can only be *name*: a literal that is known when the program runs, not before."""
    return (Literal.__getitem__(name), ...)


def _made(name: str, bases: tuple[type[StrictModel], ...], doc: str, fields: dict[str, Any]) -> Any:
    return create_model(name, __base__=bases, __doc__=doc, **fields)


@cache
def invariant_model(kind: InvariantKind) -> type[InvariantModel]:
    """`{invariant: <name>, …own keys}`"""
    model: type[InvariantModel] = _made(
        f"Invariant_{kind.name}", (kind.params, InvariantModel), kind.doc, {"invariant": _tag(kind.name)}
    )
    return model


def _probe_model(kind: ProbeKind, tag: str, words: tuple[LimitWord, ...], **more: Any) -> type[ProbeModel]:
    limit = _LIMIT_TYPE[kind.unit]
    fields = {tag: _tag(kind.name), **more} | dict.fromkeys(words, (limit | None, None))
    model: type[ProbeModel] = _made(
        f"{tag.title()}_{'_'.join(words)}_{kind.name}", (kind.params, ProbeModel), kind.doc, fields
    )
    return model


@cache
def slo_model(kind: ProbeKind) -> type[ProbeModel]:
    """`{slo: <name>, phase: …, at_least | at_most: …, …own keys}`"""
    return _probe_model(kind, "slo", ("at_least", "at_most"), phase=(str, ...))


@cache
def steady_model(kind: ProbeKind) -> type[ProbeModel]:
    """`{probe: <name>, at_least | at_most: …, …own keys}`"""
    return _probe_model(kind, "probe", ("at_least", "at_most"))


@cache
def guardrail_model(kind: ProbeKind) -> type[ProbeModel]:
    """`{probe: <name>, below | above: …, during: …, …own keys}`"""
    return _probe_model(kind, "probe", ("below", "above"), during=(Seconds, ...))
