"""Makes docs/extend/scenario-reference.md from the model, so that the two always agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from chaos.exchanges import KINDS as SOURCES
from chaos.faults import KINDS as FAULTS
from chaos.invariants import KINDS as INVARIANTS
from chaos.load.models import RecoversWithinModel, invariant_model
from chaos.load.schema import LoadModel, NaiveModel, ProvesModel, WorldModel, scenario_model
from chaos.model.kinds import first_paragraph
from chaos.model.operations import OPERATIONS
from chaos.model.units import parse_duration_s, parse_ratio
from chaos.probes import KINDS as PROBES
from chaos.probes import Unit

_HEAD = """# Scenario reference

Made by `firedrill schema --markdown` from the model that checks the files; a test holds the two together.
Durations are written `500ms 10s 2m`, rates `20/s` (of bytes `20KB/s`), shares `99%`. A moment is a phase with an
offset: `spike+2s`. Unknown keys are errors, and all errors of a file are named at once: `firedrill validate FILE`.

The first phase is the steady state: no fault begins in it. A fault ends within the load. `recovers_within` needs one.
A whole file to begin with is [flash-sale.yaml](../../scenarios/concurrency/flash-sale.yaml). An editor knows what may
stand where from [scenario.schema.json](../../scenarios/scenario.schema.json).
"""

_EXCHANGES = """Instead of `load`: single requests, one after the other, each recorded whole with the statements that it
made. Nothing in such a run depends on speed. It is a list of sections, and each names its source:
`{section: NAME, send: SOURCE, …}`. A fault names the section that it is held for: `during: NAME`. Steady state,
guardrails, SLOs and recovery measure load, and have no place here.
"""

_PROBES = """A probe measures a share, a time or a rate; exactly one limit makes it a condition.

| under | written as | limit |
|---|---|---|
| `checks` | `{slo: NAME, phase: PHASE, …}` | `at_least` or `at_most` |
| `steady_state` | `{probe: NAME, …}` | `at_least` or `at_most` |
| `guardrails` | `{probe: NAME, during: 3s, …}`: true so long without a break, it stops the run | `below` or `above` |
"""
_LIMITS = {
    Unit.RATIO: "The limit is a share (`99%`).", Unit.SECONDS: "The limit is a duration (`300ms`).",
    Unit.RATE: "The limit is a rate (`20/s`).",
}  # fmt: skip
# Example of a text value → its name on the page.
_TEXTS = {
    "10s": "duration",
    "99%": "share",
    "20/s": "rate",
    "12/s": "rate, or two: `12/s -> 50/s`",
    "20KB/s": "rate in KB/s",
    "spike+2s": "moment",
}
# The page's word, pydantic's attribute, JSON Schema's key. Values written as text have bounds in pydantic only.
_BOUNDS = (
    ("over", "gt", "exclusiveMinimum"), ("at least", "ge", "minimum"),
    ("below", "lt", "exclusiveMaximum"), ("at most", "le", "maximum"),
)  # fmt: skip
_PLAIN = {"boolean": "true or false", "integer": "whole number", "number": "number", "string": "text"}


def reference() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_page()]).rstrip() + "\n"


def _page() -> Iterator[str]:
    yield from _section("The file", scenario_model(), level=2)
    yield from _section("`world`", WorldModel)
    yield from _section("`load`, a list of phases", LoadModel)
    follow = ", ".join(
        f"`{op}` brings `{'`, `'.join(its.follow_ups)}`" for op, its in OPERATIONS.items() if its.follow_ups
    )
    yield f"Operations of a mix: {', '.join(f'`{op}`' for op in OPERATIONS)} ({follow}).\n"
    yield from _section("`proves`", ProvesModel)
    yield from _section("`proves.naive`", NaiveModel)
    yield "## Exchanges\n"
    yield _EXCHANGES
    for name, source in SOURCES.items():
        yield from _section(f"`send: {name}`", source.params, doc=source.doc, leave_out=("send",))
    yield "## Faults\n"
    for name, kind in FAULTS.items():
        yield from _section(
            f"`inject: {name}`",
            kind.params,
            doc=f"{kind.doc} Targets: {_list(kind.params.targets)}.",
            leave_out=("inject",),
        )
    yield "## Invariants\n"
    yield "Exact truths over the whole history and the end state, written `{invariant: <name>}`.\n"
    for name, invariant in INVARIANTS.items():
        doc = first_paragraph(invariant.doc)
        if invariant.requires_ops:
            doc += f" Needs the operations {_list(sorted(invariant.requires_ops))}."
        if invariant.standing_for:
            doc += " Checked in every run that it says something about, listed or not."
        yield from _section(f"`{name}`", invariant_model(invariant), doc=doc, leave_out=("invariant",))
    yield "## Probes\n"
    yield _PROBES
    for name, probe in PROBES.items():
        yield from _section(f"`{name}`", probe.params, doc=f"{first_paragraph(probe.doc)} {_LIMITS[probe.unit]}")
    yield from _section("`recovers_within`", RecoversWithinModel, level=2)


def _section(
    title: str, model: type[BaseModel], *, doc: str | None = None, level: int = 3, leave_out: tuple[str, ...] = ()
) -> Iterator[str]:
    yield f"{'#' * level} {title}\n\n{doc or first_paragraph(model.__doc__)}\n"
    shapes = model.model_json_schema()["properties"] if model.model_fields else {}
    rows = [
        _row(_name(key, field), shapes[_name(key, field)], field)
        for key, field in model.model_fields.items()
        if key not in leave_out
    ]
    if rows:
        yield "| key | value | default | |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _row(name: str, shape: Mapping[str, Any], field: Any) -> str:
    return f"| `{name}` | {_value(shape, field)} | {_default(field)} | {field.description or ''} |"


def _name(key: str, field: Any) -> str:
    return str(field.alias or key)


def _value(shape: Mapping[str, Any], field: Any) -> str:
    """The kind of value that may be written, and its bounds."""
    shape = next((each for each in shape.get("anyOf", ()) if each.get("type") != "null"), shape)
    if words := [shape["const"]] if "const" in shape else shape.get("enum"):
        return _list(words)
    if "prefixItems" in shape:
        return f"list of {len(shape['prefixItems'])}: {_value(shape['prefixItems'][0], None)}"
    if shape.get("type") == "array":
        inner = _value(shape["items"], None)
        return f"list: {inner}" if inner else "list"
    if shape.get("type") == "object":  # a mix: each operation's weight is of the same kind
        return f"operation: {_value(next(iter(shape['properties'].values())), None)}"
    if "$ref" in shape or "type" not in shape:  # a section of its own
        return ""
    kind = _PLAIN[shape["type"]]
    for example in shape.get("examples", ()):
        kind = _TEXTS.get(example, kind)
    return ", ".join([kind, *_bounds(shape, field)])


def _bounds(shape: Mapping[str, Any], field: Any) -> Iterator[str]:
    """`over 0s`, `at most 3600s`, or `1 to 6`."""
    found = {}
    for word, attribute, name in _BOUNDS:
        given = (getattr(each, attribute, None) for each in getattr(field, "metadata", ()))
        bound = next((each for each in given if each is not None), shape.get(name))
        if bound is not None:
            found[word] = _plain(bound, field)
    if found.keys() == {"at least", "at most"}:
        yield " to ".join(found.values())
    else:
        yield from (f"{word} {bound}" for word, bound in found.items())


def _plain(number: float, field: Any) -> str:
    parsers = {getattr(validator, "func", None) for validator in getattr(field, "metadata", ())}
    if parse_ratio in parsers:
        return f"{number * 100:g}%"
    return f"{number:g}s" if parse_duration_s in parsers else str(number)


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "see below"
    if value is None or value == []:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"  # as YAML has it
    return f"`{_plain(value, field) if isinstance(value, float) else value}`"


def _list(words: tuple[str, ...] | list[str] | Mapping[str, Any]) -> str:
    return ", ".join(f"`{word}`" for word in words) or "none"
