"""Was the machine itself the bottleneck? A saturated host is no verdict about the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from chaos.model.checks import Span

BUSY = 0.95
STEAL = 0.10
API_CORE = 0.95
TOLERATED_SHARE = 0.2
WATCHED_SHARE = 0.5


class HostSample(msgspec.Struct, frozen=True, kw_only=True):
    """A line of host.jsonl, about the second before *at_s*. Ratios; None where nothing could be read."""

    at_s: float
    cpu_busy: float | None = None
    steal: float | None = None
    api_core: float | None = None
    load_1m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostInPhase:
    """How the host fared in a phase.

    Attributes:
        watched_s, busy_s, api_busy_s: Seconds with a reading; with a busy or robbed machine; with a busy API core.
    """

    phase: str
    duration_s: float
    watched_s: int
    busy_s: int
    api_busy_s: int

    @property
    def spoiled(self) -> str:
        """Why latency and success in this phase say nothing about the API; empty when they do."""
        if self.watched_s < self.duration_s * WATCHED_SHARE:
            return f"the host was watched for {self.watched_s} of {self.duration_s:g} s of {self.phase}"
        share = f"{{}} of {self.watched_s} s of {self.phase}; lower the arrivals or use a larger machine"
        if self.busy_s > self.watched_s * TOLERATED_SHARE:
            return "the machine was saturated (busy ≥ 95 % or steal ≥ 10 %) in " + share.format(self.busy_s)
        if self.api_busy_s > self.watched_s * TOLERATED_SHARE:
            return "the API's core was saturated (≥ 0.95) in " + share.format(self.api_busy_s)
        return ""


def host_in(phase: Span, samples: Sequence[HostSample]) -> HostInPhase:
    """Readings whose second lies in *phase* for the most part."""
    inside = [s for s in samples if phase.start_s <= s.at_s - 0.5 < phase.end_s and s.cpu_busy is not None]
    return HostInPhase(
        phase=phase.name,
        duration_s=phase.end_s - phase.start_s,
        watched_s=len(inside),
        busy_s=sum((s.cpu_busy or 0.0) >= BUSY or (s.steal or 0.0) >= STEAL for s in inside),
        api_busy_s=sum((s.api_core or 0.0) >= API_CORE for s in inside),
    )
