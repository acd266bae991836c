"""Fault kinds: what can be broken. One small file each, found by discovery."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from chaos.model.kinds import discover
from chaos.ports import FaultKind

KINDS: Mapping[str, FaultKind] = discover(sys.modules[__name__], FaultKind)  # type: ignore[type-abstract]
