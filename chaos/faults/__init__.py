"""The kinds of fault. One small file each, found by discovery."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from chaos.faults._kind import FaultKind, Held, Proof
from chaos.model.kinds import discover

__all__ = ["KINDS", "FaultKind", "Held", "Proof"]

KINDS: Mapping[str, FaultKind] = discover(sys.modules[__name__], FaultKind)  # type: ignore[type-abstract]
