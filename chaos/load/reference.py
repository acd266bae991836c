"""docs/scenario-reference.md, made from the model, so that it can't drift from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from chaos.faults import KINDS as FAULTS
from chaos.invariants import KINDS as INVARIANTS
from chaos.load.schema import LoadModel, NaiveModel, ProvesModel, WorldModel, scenario_model
from chaos.model.checks import RecoversWithinModel, guardrail_model, invariant_model, slo_model, steady_model
from chaos.model.kinds import first_paragraph
from chaos.model.scenario import FOLLOW_UPS, OPERATIONS
from chaos.model.units import parse_ratio
from chaos.probes import KINDS as PROBES

_HEAD = """# Scenario reference

Made by `firedrill schema --markdown` from the model that checks the files; a test holds the two together.
Durations are written `500ms 10s 2m`, rates `20/s`, shares `99%`. A moment is a phase with an offset: `spike+2s`.
Unknown keys are errors, and all errors of a file are named at once.
"""


def reference() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_page()]).rstrip() + "\n"


def _page() -> Iterator[str]:
    yield from _section("The file", scenario_model(), level=2)
    yield from _section("`world`", WorldModel)
    yield from _section("`load`, a list of phases", LoadModel)
    follow = ", ".join(f"`{op}` brings `{'`, `'.join(more)}`" for op, more in FOLLOW_UPS.items())
    yield f"Operations of a mix: {', '.join(f'`{op}`' for op in OPERATIONS)} ({follow}).\n"
    yield from _section("`proves`", ProvesModel)
    yield from _section("`proves.naive`", NaiveModel)
    yield "## Faults\n"
    for name, kind in FAULTS.items():
        yield from _section(f"`inject: {name}`", kind.params, doc=f"{kind.doc} Targets: {_list(kind.params.targets)}.")
    yield "## Invariants\n"
    yield "Exact truths over the whole history and the end state, written `{invariant: <name>}`.\n"
    for name, invariant in INVARIANTS.items():
        doc = f"{first_paragraph(invariant.doc)} Needs the operations {_list(sorted(invariant.requires_ops))}."
        yield from _section(f"`{name}`", invariant_model(invariant), doc=doc, leave_out=("invariant",))
    yield "## Probes\n"
    yield "Written `slo:` under `checks` and `probe:` under `steady_state` and `guardrails`.\n"
    for name, probe in PROBES.items():
        yield f"### `{name}`\n\n{first_paragraph(probe.doc)}\n"
        for use, model in (
            ("as `slo`", slo_model(probe)),
            ("in `steady_state`", steady_model(probe)),
            ("in `guardrails`", guardrail_model(probe)),
        ):
            yield f"{use}: {', '.join(f'`{_name(key, field)}`' for key, field in model.model_fields.items())}\n"
    yield from _section("`recovers_within`", RecoversWithinModel, level=2)


def _section(
    title: str, model: type[BaseModel], *, doc: str | None = None, level: int = 3, leave_out: tuple[str, ...] = ()
) -> Iterator[str]:
    yield f"{'#' * level} {title}\n\n{doc or first_paragraph(model.__doc__)}\n"
    rows = [
        f"| `{_name(key, field)}` | {_default(field)} | {field.description or ''} |"
        for key, field in model.model_fields.items()
        if key not in leave_out
    ]
    if rows:
        yield "| key | default | |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _name(key: str, field: Any) -> str:
    return str(field.alias or key)


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "see below"
    if value is None or value == []:
        return "none"
    if not isinstance(value, float):
        return f"`{value}`"
    parsers = {getattr(validator, "func", None) for validator in field.metadata}
    return f"`{value * 100:g}%`" if parse_ratio in parsers else f"`{value:g}s`"


def _list(words: tuple[str, ...] | list[str] | Mapping[str, Any]) -> str:
    return ", ".join(f"`{word}`" for word in words) or "none"
