"""Strict models of a scenario file's checks, made from the kinds."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, Field, create_model, model_validator

from chaos.checks import InvariantCheck, RecoveryCheck
from chaos.invariants import InvariantKind
from chaos.model.strict import StrictModel
from chaos.model.units import RatePerS, Ratio, Seconds
from chaos.probes import Limit, LimitWord, ProbeKind, ProbeUse, Unit

_LIMIT_TYPE: dict[Unit, Any] = {
    Unit.RATIO: Ratio,
    Unit.SECONDS: Seconds,
    Unit.RATE: RatePerS,
}


class InvariantModel(StrictModel):
    """Base of the models that `invariant_model` makes."""

    def spec(self, kind: InvariantKind) -> InvariantCheck:
        """The check that this entry of the file describes."""
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
        """The probe and limit that this entry of the file describes."""
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
    """`{recovers_within: 5s}`: how soon after the last lift the steady state must hold again, until the end."""

    recovers_within: Seconds = Field(description="Counted from the last lift.")

    def spec(self) -> RecoveryCheck:
        """The check that this entry of the file describes."""
        return RecoveryCheck(within_s=self.recovers_within)


def _own(model: BaseModel, params: type[Any]) -> Any:
    """The kind's own parameters from *model*, which is already validated."""
    return params.model_construct(**{name: getattr(model, name) for name in params.model_fields})


def _tag(name: str) -> Any:
    """A field that can only be *name*: a `Literal` that is known only at run time."""
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
