"""How much of what a contract says is so: the facts of it that count, compared with what is promised. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chaos.model.deviation import normal
from chaos.model.openapi import METHODS, facts

_UNGRADED: Final = ("pattern", "default", "uniqueItems", "multipleOf", "minItems", "minProperties", "maxProperties")
"""What prose does not tell in one way only."""
_UNGRADED_FORMATS: Final = frozenset({"uri", "uri-reference", "int32", "int64", "float", "double", "password"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractGrade:
    """What the learner's contract is worth.

    Attributes:
        recall: How much of what is promised it says.
        precision: How much of what it says is promised.
        contested_recall: Of the places only where the draft's own schema is wrong, silent or says too much; who copies
            that schema tells nothing of them. None when there are none.
        wrong: Place → what it says, and what is promised.
        missing: Place → what is promised.
    """

    recall: float
    precision: float
    contested_recall: float | None
    wrong: Mapping[str, tuple[object, object]]
    missing: Mapping[str, object]

    def reaches(self, recall: float, precision: float) -> bool:
        """Whether recall, also of what is contested, and precision are at least so high."""
        contested = 1.0 if self.contested_recall is None else self.contested_recall
        return min(self.recall, contested) >= recall and self.precision >= precision


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each operation by its name, in a document of its own: so a mistake is told with the operation that has it."""
    for path, item in document["paths"].items():
        shared = {key: value for key, value in item.items() if key not in METHODS}
        for method in METHODS:
            if method in item:
                alone = {**document, "paths": {path: {**shared, method: item[method]}}}
                yield f"{method.upper()} {path}", alone


def promised(document: Mapping[str, Any]) -> dict[str, object]:
    """What *document* says that counts. Raises: NotComparable."""
    found: dict[str, object] = {}
    for _, alone in operations(document):
        found |= graded(facts(alone))
    return found


def graded(found: Mapping[str, object]) -> dict[str, object]:
    """*found* without what prose does not tell in one way, and the same for what can be said in two ways.

    The body of a refusal is the same everywhere, so it counts once and not eighty times.
    """
    kept: dict[str, object] = {}
    refusals: dict[str, set[str]] = {}
    for at, value in found.items():
        operation, *steps = at.split(" · ")
        if not _counts(steps, value):
            continue
        if steps[0].startswith("path "):
            steps[0] = "path"
        if steps[0] >= "400" and steps[0].isdecimal() and len(steps) > 2 and steps[1].startswith("body "):
            refusals.setdefault(" · ".join(["refusals", *steps[1:]]), set()).add(repr(value))
            continue
        steps[-1], said = _said(steps[-1], value)
        kept[" · ".join([normal(operation), *steps])] = said
    return kept | {at: " or ".join(sorted(values)) for at, values in refusals.items()}


def _counts(steps: Sequence[str], value: object) -> bool:
    match steps[-1]:
        case "format":
            return value not in _UNGRADED_FORMATS
        case "additionalProperties":
            return value is not False  # the brief says so of every object
        case last:
            return last not in _UNGRADED


def _said(last: str, value: object) -> tuple[str, object]:
    if last == "const":
        return "enum", [str(value)]
    if last == "security":
        return last, "everybody" if value == [[]] else "a token"
    return last, value


def grade(own: Mapping[str, object], reference: Mapping[str, object], served: Mapping[str, object]) -> ContractGrade:
    """Compare facts, all of them `graded`.

    Args:
        own: The learner's contract.
        reference: `contract.yaml`.
        served: The schema of the draft that the attempt came from.
    """
    right = {at for at, value in own.items() if at in reference and reference[at] == value}
    contested = {at for at, value in reference.items() if served.get(at) != value}
    # What the draft's schema says beyond what is promised is contested too: one that repeats it is wrong there.
    beyond = {at for at in served if at not in reference}
    agreed = len(contested & right) + len(beyond - own.keys())
    return ContractGrade(
        recall=len(right) / len(reference),
        precision=len(right) / len(own),
        contested_recall=agreed / (len(contested) + len(beyond)) if contested or beyond else None,
        wrong={at: (value, reference.get(at)) for at, value in own.items() if at not in right},
        missing={at: value for at, value in reference.items() if at not in own},
    )
