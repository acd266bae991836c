"""Probes: one kind per file, found by discovery. A new probe is a new file with a `KIND`; see `latency.py`."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from chaos.model.kinds import discover
from chaos.probes._kind import Accumulator, Measurement, ProbeKind, ProbeParams, Slow, Unit
from chaos.probes._use import Limit, LimitWord, ProbeUse

__all__ = [
    "KINDS",
    "Accumulator",
    "Limit",
    "LimitWord",
    "Measurement",
    "ProbeKind",
    "ProbeParams",
    "ProbeUse",
    "Slow",
    "Unit",
]

KINDS: Mapping[str, ProbeKind] = discover(sys.modules[__name__], ProbeKind)
