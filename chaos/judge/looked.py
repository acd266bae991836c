"""Whether the shop looked for the gate of forced interleavings: code that behaves while it stands shows nothing.

The gate can't hide in the database: its triggers are on the shop's own tables. The shop can't hide a statement either,
since the server logs every one and only the lab may switch that off. So whoever looks is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from chaos.judge.record import self_check
from chaos.model.bounds import second
from chaos.model.exchange import MOST_SQL, Exchanged, Query
from chaos.model.journal import Event, EventKind
from chaos.model.looks import ESTIMATE, LOOKS
from chaos.model.verdict import Finding

_LOOKS = re.compile(rf"\b{LOOKS}\b", re.IGNORECASE)
_ESTIMATE = re.compile(ESTIMATE, re.IGNORECASE)
# The event is written when the last trigger stands; the first one stands this much earlier, at most.
_INSTALLING_S = 3.0
_MOST_CHARACTERS = 100


def gate_findings(exchanged: Exchanged, events: Sequence[Event]) -> Iterator[Finding]:
    """A finding for a run in which the gate stood; none for others."""
    installed = [event for event in events if event.event is EventKind.GATE_INSTALLED]
    if not installed:
        return
    spans = list(_spans(events))
    meanwhile = [
        query
        for query in exchanged.queries
        if any(from_s <= query.at_unix_s - exchanged.t0_unix_s <= to_s for from_s, to_s in spans)
    ]
    asked = [query.sql for query in meanwhile if _looks(query)]
    cut = [query.sql for query in meanwhile if max(len(query.sql), len(query.detail)) >= MOST_SQL]
    kept = sorted({name for event in installed for name in _names(event.data.get("looked_for_by"))})
    problem = ""
    if asked:
        shown = " ".join(asked[0].split())[:_MOST_CHARACTERS]
        problem = f"the shop looked for the gate that holds its requests, {len(asked)} time(s): {shown}"
    elif cut:
        shown = " ".join(cut[0].split())[:_MOST_CHARACTERS]
        problem = f"{len(cut)} statement(s) of the shop are too long to be read to their end: {shown}"
    elif kept:
        problem = f"the shop's database has what looks for the gate: {', '.join(kept[:3])}"
    yield self_check(
        "gate_not_looked_for",
        "while the gate stood, nothing of the shop looked for it",
        problem,
        figures={"statements": len(asked)},
    )


def _looks(query: Query) -> bool:
    """Whether its text says so, or a value that was sent apart from it."""
    return _LOOKS.search(f"{_ESTIMATE.sub('', query.sql)} {query.detail}") is not None


def _spans(events: Sequence[Event]) -> Iterator[tuple[float, float]]:
    """Seconds of the run between an installation and the removal behind it; a missing removal ends with the run."""
    start: float | None = None
    for event in events:
        if event.event is EventKind.GATE_INSTALLED:
            start = (second(event.at_s) or 0.0) - _INSTALLING_S
        elif event.event is EventKind.GATE_REMOVED and start is not None:
            yield start, second(event.at_s) or float("inf")
            start = None
    if start is not None:
        yield start, float("inf")


def _names(value: Any) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else []
