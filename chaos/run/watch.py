"""Steady state and guardrails during the run. The verdict measures them again from the whole history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chaos.model.history import Operation
from chaos.probes import ProbeUse
from chaos.run.live import LiveHistory

# Every LOOK_EVERY_S a guardrail measures the last LOOK_BACK_S: enough for some arrivals, and short enough to react.
LOOK_BACK_S = 3.0
LOOK_EVERY_S = 1.0


def steady_state_findings(uses: Sequence[ProbeUse], operations: Sequence[Operation]) -> tuple[bool, list[str]]:
    """Whether every probe has a value within its limit, and a sentence for each probe that has not."""
    findings = []
    for use in uses:
        measured = use.probe.measure(operations, use.params)
        if measured.value is None:
            findings.append(f"{use.label}: {measured.reason}")
        elif not use.limit.true_of(measured.value):
            unit = use.probe.unit
            findings.append(f"{use.label}: got {unit.show(measured.value)}, expected {use.limit.show(unit)}")
    return not findings, findings


class GuardrailWatch:
    """Trips when the limit was true at every look for the time that the guardrail says."""

    def __init__(self, guardrails: Sequence[ProbeUse], live: LiveHistory) -> None:
        self._guardrails, self._live = guardrails, live
        self._true_since_s: dict[int, float] = {}
        self._next_look_s = LOOK_BACK_S

    def look(self, now_s: float) -> dict[str, Any] | None:
        """The data of a `guardrail` event when one tripped; None otherwise."""
        if not self._guardrails or now_s < self._next_look_s:
            return None
        self._next_look_s = now_s + LOOK_EVERY_S
        operations = self._live.between(now_s - LOOK_BACK_S, now_s, now_s=now_s)
        for position, use in enumerate(self._guardrails):
            measured = use.probe.measure(operations, use.params)
            if measured.value is None or not use.limit.true_of(measured.value):
                self._true_since_s.pop(position, None)
                continue
            since_s = self._true_since_s.setdefault(position, now_s - LOOK_BACK_S)
            if now_s - since_s >= use.during_s:
                unit = use.probe.unit
                reason = f"{unit.show(measured.value)} is {use.limit.show(unit)} for {now_s - since_s:.0f} s"
                return {
                    "probe": use.label,
                    "measured": measured.value,
                    "limit": use.limit.value,
                    "during_s": use.during_s,
                    "reason": reason,
                }
        return None
