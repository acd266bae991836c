"""Verdict documents for tests that look at a part of one."""

from __future__ import annotations

from typing import Any

import msgspec

from chaos.model.verdict import VerdictDocument


def document(**more: Any) -> VerdictDocument:
    """That of a run that held; *more*: other values, as plain JSON types."""
    known: dict[str, Any] = {
        "run_id": "r", "scenario": "own/x", "title": "X", "hypothesis": "It holds.", "drill": 3, "variant": "hardened",
        "seed": 7, "scale": 1.0, "started_at": "2026-11-23T10:15:02Z", "duration_s": 40.0, "verdict": "held",
        "exit_code": 0, "summary": "Held.", "findings": [], "phases": [], "faults": [], "operations": {},
    }  # fmt: skip
    return msgspec.convert({**known, **more}, VerdictDocument)
