"""How many operations histograms.json counts: a second witness of the history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from chaos.evidence.files import decoded
from chaos.model.bounds import Count
from chaos.model.folder import File

HistogramCounts: TypeAlias = Mapping[tuple[str, str, str], int]
"""Operations by (phase, series, `ok` | `refused` | `fail` | `info`); second tries of `buy` are `buy_again`."""


class _HistogramCell(msgspec.Struct):
    phase: str
    op: str
    outcome: str
    kind: str
    count: Count


class _Histograms(msgspec.Struct):
    cells: list[_HistogramCell]


def histogram_counts(document: bytes) -> HistogramCounts:
    """The counts of histograms.json. Raises: Unreadable."""
    cells = decoded(document, _Histograms, where=File.HISTOGRAMS).cells
    counts: Counter[tuple[str, str, str]] = Counter()
    for cell in cells:
        if cell.kind == "latency":
            counts[cell.phase, cell.op, cell.outcome] += cell.count
    return counts
