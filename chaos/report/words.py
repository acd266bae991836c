"""How findings and figures read: shared by Markdown, HTML and the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chaos.evidence.figures import Second, Timelines, milliseconds
from chaos.evidence.limits import Limit
from chaos.model.counterexamples import Explained
from chaos.model.journal import Event
from chaos.model.samples import Sample
from chaos.model.text import all_visible, struct_visible
from chaos.model.verdict import VerdictDocument

SIGNS = {"held": "●", "inconclusive": "▲", "violated": "■"}
"""Always shown with the word: not everybody can read a sign alone."""

PASSED = {"held": "passed", "violated": "not passed", "inconclusive": "not decided"}
"""A verdict about a part of a drill, in words."""

ABORTED = ", aborted"

WHAT_TO_DO = {
    "held": "Nothing to fix. The findings below say how it was measured.",
    "violated": "Start with the first violated check; its examples name what to look for in the history.",
    "inconclusive": "No verdict about the code. Remove what spoiled the run, then run it again with the same seed.",
}

ISOLATION = {
    "own user": "The shop ran as a user of its own: it could not read or change the lab's files, secrets or evidence.",
    "containers": "The shop ran in containers of its own: no file of the lab and no way past the proxies was in reach.",
    "same user": (
        "The shop ran as the same user as the lab. Nothing in it was shown to cheat, but it could have read the lab's "
        "files or changed its evidence: read the patch, or run it again in containers or as root."
    ),
    "": "Nobody wrote down how the shop was kept from the lab's files: read the patch.",
}
"""How the code under test was kept from the lab, in words; see docs/operate/isolation.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a report is made of. Control characters are escaped here (`chaos.model.text`), so no report has to do it.

    Attributes:
        document: As in verdict.json.
        timeline: From the history, second by second, over all main operations.
        timelines: The same for each operation; *limits* of the scenario are drawn beside them.
        events: The journal.
        counterexamples: What shows the violated checks.
        samples: Whole exchanges, by the time they ended.
    """

    document: VerdictDocument
    timeline: Sequence[Second]
    events: Sequence[Event]
    counterexamples: Sequence[Explained] = ()
    timelines: Timelines = field(default_factory=Timelines)
    limits: Sequence[Limit] = ()
    samples: Sequence[Sample] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "document", struct_visible(self.document))
        events = [msgspec.structs.replace(event, data=all_visible(event.data)) for event in self.events]
        object.__setattr__(self, "events", events)
        for name in ("counterexamples", "samples"):
            object.__setattr__(self, name, tuple(map(struct_visible, getattr(self, name))))


def signed(verdict: str) -> str:
    """`■ violated`"""
    return f"{SIGNS.get(verdict, '?')} {verdict}"


def headline(document: VerdictDocument) -> str:
    """`▲ inconclusive`; a run that did not go to its end says so beside its verdict: `▲ inconclusive, aborted`."""
    return signed(document.verdict) + (ABORTED if document.aborted else "")


def what_to_do(document: VerdictDocument) -> str:
    """One or two sentences for whoever reads the verdict."""
    return document.advice or WHAT_TO_DO[document.verdict]


def run_by(document: VerdictDocument) -> str:
    """` · by Ada`; empty where nobody gave a name."""
    return f" · by {document.learner}" if document.learner else ""


def isolation(kind: object) -> str:
    """How the code under test was kept from the lab, and what that means for the verdict."""
    kind = kind if isinstance(kind, str) and kind in ISOLATION else ""
    return f"{kind or 'not known'}. {ISOLATION[kind]}"


def operation_rows(document: VerdictDocument) -> list[tuple[str, ...]]:
    """Phase, operation, total, ok, refused, fail, unknown, dropped, p50, p95, p99."""
    rows = []
    for phase, operations in document.operations.items():
        for op, row in operations.items():
            counts = (row.total, row.ok, row.refused, row.fail, row.info, row.dropped)
            quantiles = [milliseconds(value, row.total) for value in (row.p50_ms, row.p95_ms, row.p99_ms)]
            rows.append((phase, op, *map(str, counts), *quantiles))
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
    """`fault latency-1, lifted 16.2 s, pristine yes`. Empty values, and deeper ones, are left out."""
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
    """The first few, and ` and 7 more` for the rest, which verdict.json has, too."""
    left = len(examples) - most
    return examples[:most], f" and {left} more" if left > 0 else ""


def _said(name: str, value: Any) -> str:
    """Name and value; a unit at the end of the name is written behind the value."""
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
