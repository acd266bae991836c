"""How findings and figures read: shared by Markdown, HTML and the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chaos.judge.tables import Second
from chaos.model.counterexamples import Explained
from chaos.model.journal import Event
from chaos.model.samples import Sample

SIGNS = {"held": "●", "inconclusive": "▲", "violated": "■"}
"""Always beside the word: a sign alone is not read by everybody."""

PASSED = {"held": "passed", "violated": "not passed", "inconclusive": "not decided"}
"""A verdict as it is said of a part of a drill."""

ABOUT_RUN = frozenset({"fault", "self_check", "witness", "steady_state"})

WHAT_TO_DO = {
    "held": "Nothing to fix. The findings below say how it was measured.",
    "violated": "Start with the first violated check; its examples name what to look for in the history.",
    "inconclusive": "No verdict about the code. Remove what spoiled the run, then run it again with the same seed.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a report is made of.

    Attributes:
        document: As in verdict.json.
        timeline: From the history, second by second.
        events: The journal.
        counterexamples: What shows the violated checks.
        samples: Whole exchanges, by the time they ended.
    """

    document: Mapping[str, Any]
    timeline: Sequence[Second]
    events: Sequence[Event]
    counterexamples: Sequence[Explained] = ()
    samples: Sequence[Sample] = ()


def signed(verdict: str) -> str:
    """`■ violated`"""
    return f"{SIGNS.get(verdict, '?')} {verdict}"


def run_by(document: Mapping[str, Any]) -> str:
    """` · by Ada`; empty where nobody gave a name."""
    return f" · by {document['learner']}" if document.get("learner") else ""


def checks(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Findings about the API, in the scenario's order."""
    return [f for f in document["findings"] if f["kind"] not in ABOUT_RUN]


def run_findings(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Findings about the run; those that spoil it first."""
    found = [f for f in document["findings"] if f["kind"] in ABOUT_RUN]
    return sorted(found, key=lambda finding: finding["verdict"] == "held")


def milliseconds(value: float | None, operations: int) -> str:
    """`112`; a rank without a promised answer is `no answer`, none at all is `–`."""
    if value is None:
        return "no answer" if operations else "–"
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def operation_rows(document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Phase, operation, total, ok, refused, fail, unknown, dropped, p50, p95, p99."""
    rows = []
    for phase, operations in document["operations"].items():
        for op, row in operations.items():
            counts = [row[name] for name in ("ok", "refused", "fail", "info", "dropped")]
            total = sum(counts)
            quantiles = [milliseconds(row[name], total) for name in ("p50_ms", "p95_ms", "p99_ms")]
            rows.append((phase, op, str(total), *map(str, counts), *quantiles))
    return rows


OPERATION_COLUMNS = (
    "phase",
    "operation",
    "total",
    "ok",
    "refused",
    "failed",
    "unknown",
    "dropped",
    "p50 ms",
    "p95 ms",
    "p99 ms",
)


def event_rows(events: Sequence[Event]) -> list[tuple[str, str, str]]:
    """Time, event, details in words."""
    return [("–" if e.at_s is None else f"{e.at_s:.2f} s", e.event.replace("_", " "), details(e.data)) for e in events]


def details(data: Mapping[str, Any]) -> str:
    """`fault latency-1, lifted 16.2 s, pristine yes`. Empty values, and what is deeper, are left to the journal."""
    parts = []
    for name, value in data.items():
        if value is None or value in ("", [], {}):
            continue
        words = name.replace("_", " ")
        if isinstance(value, Mapping):
            inner = ", ".join(_said(k, v) for k, v in value.items() if not isinstance(v, Mapping | list))
            parts.append(f"{words} ({inner})" if inner else words)
        elif isinstance(value, list):
            named = [str(item.get("name", "…")) if isinstance(item, Mapping) else _plain(item) for item in value[:5]]
            parts.append(f"{words} {', '.join(named)}" + (" …" if len(value) > len(named) else ""))
        else:
            parts.append(_said(name, value))
    return ", ".join(parts)


def some(examples: Sequence[str], most: int = 3) -> tuple[Sequence[str], str]:
    """The first few, and ` and 7 more` for the rest: all of them stand in verdict.json."""
    left = len(examples) - most
    return examples[:most], f" and {left} more" if left > 0 else ""


def _said(name: str, value: Any) -> str:
    """Name and value, the unit moved from the one to the other."""
    for suffix in ("_ms", "_s"):
        if name.endswith(suffix) and not name.endswith("_unix_s") and isinstance(value, int | float):
            return f"{name.removesuffix(suffix).replace('_', ' ')} {_plain(value)} {suffix[1:]}"
    return f"{name.replace('_', ' ')} {_plain(value)}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return str(value)
