"""Sources of exchanges, which a scenario names after `send:`. One small file each, found by discovery."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from chaos.exchanges._source import Source
from chaos.model.kinds import discover

KINDS: Mapping[str, Source] = discover(sys.modules[__name__], Source)  # type: ignore[type-abstract]
