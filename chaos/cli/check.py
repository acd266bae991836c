"""What `firedrill check` prints."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.drills.catalogue import Part
from chaos.drills.check import Report
from chaos.model.verdict import Verdict
from chaos.report.words import PASSED, signed


def check_text(report: Report) -> str:
    """Parts apart, what decided each item, and every try."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield f"Drill {report.drill.number}, {report.drill.title}, on {report.variant}"
    for part in report.parts:
        yield ""
        yield f"{part}: {PASSED[report.verdict(part)]}"
        yield from _items(report, part)


def _items(report: Report, part: Part) -> Iterator[str]:
    for one in report.parts[part]:
        yield f"  {signed(one.verdict)}  {one.name}: {one.reason}"
        for number, attempt in enumerate(one.tries, 1):
            yield f"      try {number}, seed {attempt.seed}: {attempt.verdict}  {attempt.folder}"
            if attempt.verdict is not Verdict.HELD:
                yield f"        {attempt.reason}"
    if not report.parts[part]:
        yield "  nothing belongs to it"
