"""Turns pydantic's errors into sentences: `file: path: got X, expected Y`, with a suggestion for a misspelt word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from chaos.exchanges import KINDS as SOURCES
from chaos.faults import KINDS as FAULTS
from chaos.invariants import KINDS as INVARIANTS
from chaos.load.models import RecoversWithinModel, guardrail_model, invariant_model, slo_model, steady_model
from chaos.load.schema import LoadModel, NaiveModel, ProvesModel, WorldModel, scenario_model
from chaos.load.yaml import Document, Path, dotted, word
from chaos.probes import KINDS as PROBES

# Lists whose entries are a union: pydantic puts the chosen member's tag into the error's place.
_TAGGED = frozenset({"exchanges", "faults", "steady_state", "checks", "guardrails"})
_COMPARISONS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_TYPES = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "bool_parsing": "true or false",
}


def said(error: ValidationError, document: Document) -> list[tuple[Path, str]]:
    """Path and complaint of every error."""
    # A value that is not plain YAML has its complaint already, and is None here.
    told = {path for path, _ in document.problems}
    found = [(_path(detail), detail) for detail in error.errors(include_url=False)]
    return [(path, _said(path, detail)) for path, detail in found if path not in told or detail["input"] is not None]


def bad_paths(error: ValidationError) -> list[tuple[Path, bool]]:
    """Path of every error, and whether the error is only an unknown key."""
    return [(_path(detail), detail["type"] == "extra_forbidden") for detail in error.errors(include_url=False)]


def in_order(complaints: Iterable[tuple[Path, str]], document: Document, where: str) -> list[str]:
    """The complaints as sentences, in the file's order, without repetitions."""
    found = sorted(complaints, key=lambda complaint: document.line(complaint[0]) or 0)
    return list(dict.fromkeys(_sentence(where, path, what, document) for path, what in found))


def _sentence(where: str, path: Path, what: str, document: Document) -> str:
    """One complaint, with its line if that is known."""
    line = document.line(path)
    return f"{where}: {dotted(path)}: {what}" + (f" (line {line})" if line else "")


def expected_one_of(got: object, allowed: Iterable[str]) -> str:
    """`got 'x', expected one of a, b (did you mean a?)`."""
    words = sorted(allowed)
    close = get_close_matches(str(got), words, n=1, cutoff=0.6)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return f"got {_short(got)}, expected one of {', '.join(words)}{hint}"


def _path(detail: ErrorDetails) -> Path:
    loc = detail["loc"]
    if len(loc) > 2 and loc[0] in _TAGGED:
        loc = (*loc[:2], *loc[3:])
    if detail["type"] == "extra_forbidden":
        return tuple(loc)  # the last part is the key that a person wrote, whatever it is called
    return tuple(part for part in loc if part not in {"constrained-str", "[key]"})


def _said(path: Path, detail: ErrorDetails) -> str:
    kind, got, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "missing":
        return "got nothing, expected this key"
    if kind == "extra_forbidden":
        allowed = _keys(_model(detail["loc"]))
        close = get_close_matches(str(path[-1]), allowed, n=1, cutoff=0.6)
        hint = f" (did you mean {close[0]}?)" if close else ""
        return f"got an unknown key, expected one of {', '.join(allowed)}{hint}"
    if kind == "unknown_kind":
        return _unknown_kind(got, detail["msg"])
    if kind == "value_error":
        message = str(context.get("error", detail["msg"]))
        return message if message.startswith("got") else f"got {_short(got)}, {message}"
    if kind == "literal_error":
        return f"got {_short(got)}, expected {context['expected']}"
    if kind in _COMPARISONS:
        words, key = _COMPARISONS[kind]
        return f"got {_short(got)}, expected {words} {context[key]:.10g}"
    if kind in _TYPES:
        return f"got {_short(got)}, expected {_TYPES[kind]}"
    if kind == "too_short":
        why = ": a scenario without checks could only pass" if path == ("checks",) else ""
        return f"got {_short(got)}, expected at least one entry{why}"
    if kind == "string_too_short":
        return f"got {_short(got)}, expected some text"
    if kind == "string_pattern_mismatch":
        return f"got {_short(got)}, expected text like {context['pattern']}"
    return f"got {_short(got)}, expected otherwise: {detail['msg']}"


def _unknown_kind(got: Any, message: str) -> str:
    tag, _, tags = message.partition("|")
    allowed = tags.split("|")
    if not isinstance(got, dict):
        words = "invariant, slo or recovers_within" if tag == "check" else tag
        return f"got {_short(got)}, expected a mapping with {words}"
    if tag != "check":
        return (
            expected_one_of(got[tag], allowed) if tag in got else f"got no {tag}, expected one of {', '.join(allowed)}"
        )
    for key in ("invariant", "slo"):
        if key in got:
            return expected_one_of(got[key], (kind.split(":")[1] for kind in allowed if kind.startswith(f"{key}:")))
    return f"got {', '.join(map(word, got)) or 'nothing'}, expected invariant, slo or recovers_within"


def _short(got: Any) -> str:
    text = repr(got)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [] if model is None else [field.alias or name for name, field in model.model_fields.items()]


def _model(loc: Sequence[str | int]) -> type[BaseModel] | None:
    """The model that the last part of *loc* is a key of."""
    match loc:
        case (_,):
            return scenario_model()
        case ("world", _):
            return WorldModel
        case ("load", _, _):
            return LoadModel
        case ("proves", _):
            return ProvesModel
        case ("proves", "naive", _):
            return NaiveModel
        case ("exchanges", _, str() as tag, _):
            return SOURCES[tag].params
        case ("faults", _, str() as tag, _):
            return FAULTS[tag].params
        case ("steady_state", _, str() as tag, _):
            return steady_model(PROBES[tag])
        case ("guardrails", _, str() as tag, _):
            return guardrail_model(PROBES[tag])
        case ("checks", _, "recovers_within", _):
            return RecoversWithinModel
        case ("checks", _, str() as tag, _):
            word, _, name = tag.partition(":")
            return invariant_model(INVARIANTS[name]) if word == "invariant" else slo_model(PROBES[name])
        case _:
            return None
