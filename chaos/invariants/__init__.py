"""Invariants: one kind per file, found by discovery. A new one is a new file with a `KIND`; see `no_oversell.py`."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from chaos.model.checks import InvariantKind
from chaos.model.kinds import discover

KINDS: Mapping[str, InvariantKind] = discover(sys.modules[__name__], InvariantKind)
