"""Invariants: one kind per file, found by discovery. A new one is a new file with a `KIND`; see `no_oversell.py`."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from chaos.invariants._kind import NO_CONTRACT, NO_WORLD, Context, InvariantKind, Reducer
from chaos.model.kinds import discover

__all__ = ["KINDS", "NO_CONTRACT", "NO_WORLD", "Context", "InvariantKind", "Reducer"]

KINDS: Mapping[str, InvariantKind] = discover(sys.modules[__name__], InvariantKind)
