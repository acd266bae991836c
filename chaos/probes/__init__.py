"""Probes: one kind per file, found by discovery. A new probe is a new file with a `KIND`; see `latency.py`."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from chaos.model.checks import ProbeKind
from chaos.model.kinds import discover

KINDS: Mapping[str, ProbeKind] = discover(sys.modules[__name__], ProbeKind)
