"""How a check went over the runs of one scenario on one variant, oldest first: `271 → 163 → 150`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chaos.evidence.growing import Run
from chaos.model.verdict import Verdict
from dashboard import markup, words
from dashboard.markup import Cell

MOST_RUNS = 6
_FIGURE = re.compile(r"[<≥≤]?\s?\d[\d,.]*(?:\s?%|\s?ms|\s?s\b)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One run's result of the check. `figure` is the first number of what was measured, or the verdict's word."""

    run_id: str
    verdict: str
    figure: str


def figure(measured: str, verdict: str) -> str:
    found = _FIGURE.search(measured)
    return found[0].strip().rstrip(".,") if found else verdict


def trends(runs: Iterable[Run]) -> dict[str, list[Point]]:
    """Check → its points by time. Only checks that some of the runs did not hold, and that two or more have."""
    listed = sorted((run for run in runs if run.document), key=lambda run: run.run_id)[-MOST_RUNS:]
    found: dict[str, list[Point]] = {}
    for run in listed:
        for finding in run.document.checks if run.document else ():
            point = Point(
                run_id=run.run_id, verdict=finding.verdict.value, figure=figure(finding.measured, finding.verdict.value)
            )
            found.setdefault(finding.check, []).append(point)
    return {
        check: points
        for check, points in found.items()
        if len(points) > 1 and any(point.verdict != Verdict.HELD for point in points)
    }


def table(found: dict[str, list[Point]]) -> tuple[list[Cell], list[list[Cell]]]:
    """Head and rows."""
    head = [Cell(html="Check"), Cell(html="Measured, oldest first"), Cell(html="Now", tight=True)]
    return head, [
        [Cell(html=markup.name(check)), Cell(html=_line(points)),
         Cell(html=markup.sign(words.verdict_sign(points[-1].verdict)), tight=True)]
        for check, points in found.items()
    ]  # fmt: skip


def _line(points: Sequence[Point]) -> str:
    """Each with the mark of its verdict, which says without colour what it was."""
    return " → ".join(
        f'<span class="fd-{words.verdict_sign(point.verdict).tone}">{words.verdict_sign(point.verdict).mark}</span> '
        + markup.link("run", point.figure, run=point.run_id)
        for point in points
    )
