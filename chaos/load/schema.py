"""The scenario file as a strict pydantic model, built from all kinds."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, create_model

from chaos.exchanges import KINDS as SOURCES
from chaos.faults import KINDS as FAULTS
from chaos.invariants import KINDS as INVARIANTS
from chaos.load.models import RecoversWithinModel, guardrail_model, invariant_model, slo_model, steady_model
from chaos.model.faults import TARGETS
from chaos.model.operations import OPERATIONS
from chaos.model.strict import StrictModel
from chaos.model.units import RATE, Ratio, Seconds, parse_rate_per_s
from chaos.probes import KINDS as PROBES


def _parse_arrivals(value: Any) -> tuple[float, float]:
    """`12/s` or `12/s -> 50/s` as rates at the start and the end of the phase."""
    parts = [part.strip() for part in value.split("->")] if isinstance(value, str) else [value]
    if len(parts) > 2:
        raise ValueError(f"got {value!r}, expected one rate, or two with -> between them")
    rates = [parse_rate_per_s(part) for part in parts]
    return rates[0], rates[-1]


_RATE = re.sub(r"\?P<\w+>", "", RATE.pattern)
Arrivals = Annotated[
    tuple[float, float],
    BeforeValidator(_parse_arrivals),
    WithJsonSchema({"type": "string", "pattern": f"^{_RATE}( *-> *{_RATE})?$", "examples": ["12/s", "12/s -> 50/s"]}),
]
Weight = Annotated[int, Field(ge=0, le=1000)]
Mix = Annotated[dict[str, Weight], WithJsonSchema(
    {
        "type": "object",
        "properties": {op: {"type": "integer", "minimum": 0, "maximum": 1000} for op in OPERATIONS},
        "additionalProperties": False,
        "minProperties": 1,
    }
)]  # fmt: skip


class WorldModel(StrictModel):
    """The size of the seeded data."""

    events: int = Field(5, ge=1, le=500, description="Events in the catalogue.")
    hot_tiers: int = Field(1, ge=1, le=20, description="Tiers that are meant to sell out.")
    seats: int = Field(150, ge=1, le=100_000, description="Capacity of each hot tier.")
    customers: int = Field(200, ge=1, le=5000, description="Customers, each with a token.")
    old_orders: int | None = Field(
        None, ge=1, le=20_000, description="Refused orders of all customers, for long lists; none when left out."
    )
    access_lifetime_s: int | None = Field(
        None, ge=1, le=86_400, description="Seconds that an access token lives; left out: as the variant has it."
    )


class LoadModel(StrictModel):
    """A phase of open-model load; its rate changes linearly."""

    phase: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Name that faults and checks refer to.")
    for_: Seconds = Field(alias="for", gt=0, le=3600, description="How long it lasts.")
    arrivals: Arrivals = Field(description="Arrivals per second, at the start -> at the end.")
    mix: Mix = Field(description="Operation -> weight.")


class NaiveModel(StrictModel):
    """What the self-test expects of `naive`."""

    must: list[str] = Field(description="Checks that naive has to violate; none only where a mutant shows the power.")
    may: list[str] = Field([], description="Checks that naive may violate.")


class ProvesModel(StrictModel):
    """The lab's self-test."""

    naive: NaiveModel = Field(description="See `proves.naive`.")
    hardened: Literal["holds"] = Field(description="Always `holds`: all checks do, on the reference.")
    mutants: list[str] = Field([], description="Mutants that this scenario catches.")


def _one_of(models: dict[str, type[BaseModel]], word: str) -> Any:
    """A union whose member is chosen by the value of *word*."""
    return Annotated[
        Union[tuple(Annotated[model, Tag(name)] for name, model in models.items())],  # noqa: UP007 - built at run time
        Discriminator(
            lambda entry: entry.get(word) if isinstance(entry, dict) else None,
            custom_error_type="unknown_kind",
            custom_error_message=f"{word}|{'|'.join(sorted(models))}",
        ),
    ]


def _check_tag(entry: Any) -> str | None:
    if not isinstance(entry, dict):
        return None
    for word in ("invariant", "slo"):
        if word in entry:
            return f"{word}:{entry[word]}"
    return "recovers_within" if "recovers_within" in entry else None


def _any_check() -> Any:
    models: dict[str, type[BaseModel]] = {
        f"invariant:{name}": invariant_model(kind) for name, kind in INVARIANTS.items()
    }
    models |= {f"slo:{name}": slo_model(kind) for name, kind in PROBES.items()}
    models["recovers_within"] = RecoversWithinModel
    return Annotated[
        Union[tuple(Annotated[model, Tag(tag)] for tag, model in models.items())],  # noqa: UP007 - built at run time
        Discriminator(
            _check_tag, custom_error_type="unknown_kind", custom_error_message=f"check|{'|'.join(sorted(models))}"
        ),
    ]


class ScenarioBase(StrictModel):
    """The keys that do not depend on kinds; `scenario_model` adds the others."""

    title: str = Field(min_length=1, description="What a person calls it.")
    drill: int = Field(ge=1, le=6, description="Drill that it belongs to, 1 to 6.")
    hypothesis: str = Field(min_length=1, description="What is believed to hold, in a sentence.")
    seed: int = Field(1, ge=0, le=2**31 - 1, description="Of data, arrivals and jitter; --seed overrides it.")
    world: WorldModel = WorldModel(events=5, hot_tiers=1, seats=150, customers=200)
    blast_radius: list[str] = Field([], description="Proxies, processes and `gateway`: what this scenario may touch.")
    settle: Seconds = Field(
        30.0, gt=0, le=600, description="The promise: every accepted order is final this long after load and faults."
    )
    may_restart: list[Literal["api", "worker", "relay"]] = Field(
        [], description="Processes that the faults may end without killing them; any other restart spoils the run."
    )
    double_clicks: Ratio = Field(
        0.2, le=1, description="Share of buyers who send the same order twice at once; 0% where it is not the subject."
    )
    load: list[LoadModel] = Field([], min_length=1, description="Phases, one after the other. Or `exchanges`.")


@cache
def scenario_model() -> type[ScenarioBase]:
    """The whole file."""
    fault = _one_of({name: kind.params for name, kind in FAULTS.items()}, "inject")
    steady = _one_of({name: steady_model(kind) for name, kind in PROBES.items()}, "probe")
    guardrail = _one_of({name: guardrail_model(kind) for name, kind in PROBES.items()}, "probe")
    source = _one_of({name: kind.params for name, kind in SOURCES.items()}, "send")
    in_steady_state = "For load: true in the first phase, which is free of faults, and again after recovery."
    in_sections = "Sections of single requests, one after the other, instead of `load`."
    fields: dict[str, Any] = {
        "exchanges": (_list_of(source), Field([], min_length=1, description=in_sections)),
        "faults": (_list_of(fault), Field([], description="What is broken, and when.")),
        "steady_state": (_list_of(steady), Field([], min_length=1, description=in_steady_state)),
        "checks": (_list_of(_any_check()), Field(min_length=1, description="What the verdict is made of.")),
        "guardrails": (_list_of(guardrail), Field([], description="Stop early; the run is then inconclusive.")),
        "proves": (ProvesModel | None, Field(None, description="What the self-test expects.")),
    }
    doc = "A Firedrill scenario: load or exchanges, faults, and what has to be true."
    return create_model("Scenario", __base__=ScenarioBase, __doc__=doc, **fields)


def _list_of(entry: Any) -> Any:
    """`list[entry]` for a type that is only known at run time."""
    return list.__class_getitem__(entry)


def exported_schema() -> dict[str, Any]:
    """JSON Schema of the file, for editors. It is as strict as a schema without cross-checks can be."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **scenario_model().model_json_schema()}
    definitions = schema["$defs"]
    for kind in FAULTS.values():
        definitions[kind.params.__name__]["properties"]["on"]["enum"] = list(kind.params.targets)
    schema["properties"]["blast_radius"]["items"]["enum"] = list(TARGETS)
    schema["oneOf"] = [
        {"required": ["load", "steady_state"]},
        {"required": ["exchanges"], "not": {"anyOf": [{"required": ["steady_state"]}, {"required": ["guardrails"]}]}},
    ]
    return schema
