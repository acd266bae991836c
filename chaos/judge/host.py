"""Whether the machine itself was the bottleneck: a figure that it may have caused says nothing about the API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.judge.record import self_check
from chaos.model.evidence import HostSample
from chaos.model.span import Span
from chaos.model.verdict import Finding

BUSY = 0.95
STEAL = 0.10
API_CORE = 0.95
TOLERATED_SHARE = 0.2
WATCHED_SHARE = 0.5
LEAST_SHARE = 0.15  # of the API's work that its second process must have done


@dataclass(frozen=True, slots=True, kw_only=True)
class HostInPhase:
    """How busy the host was in a phase.

    Attributes:
        watched_s, busy_s, api_busy_s: Seconds with a reading; with a busy CPU or much steal; with a busy API process.
    """

    phase: str
    duration_s: float
    watched_s: int
    busy_s: int
    api_busy_s: int

    @property
    def spoiled(self) -> str:
        """Why a latency or success figure of this phase may not be the API's doing; empty when it is."""
        if self.watched_s < self.duration_s * WATCHED_SHARE:
            return f"the host was watched for {self.watched_s} of {self.duration_s:g} s of {self.phase}"
        share = f"{{}} of {self.watched_s} s of {self.phase}"
        if self.busy_s > self.watched_s * TOLERATED_SHARE:
            return "the machine was saturated (busy ≥ 95 % or steal ≥ 10 %) in " + share.format(self.busy_s)
        if self.api_busy_s > self.watched_s * TOLERATED_SHARE:
            return "a core was saturated by a process of the API (≥ 0.95) in " + share.format(self.api_busy_s)
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


def both_processes(samples: Sequence[HostSample]) -> Finding:
    """Whether two processes of the API shared the work.

    A lock or a dictionary kept in one process looks right when that process does all the work. Judged by the CPU time
    that each process used over the whole load; after a kill, their successors count in their places.
    """
    first = second = 0.0
    for spent_s in _generations(samples):
        used = sorted(spent_s.values(), reverse=True)
        first, second = first + used[0], second + (used[1] if len(used) > 1 else 0.0)
    share = second / (first + second) if first else 0.0
    if not first:
        problem = "nobody watched the API's processes, or they did nothing"
    elif share < LEAST_SHARE:
        problem = f"one process of the API did {1 - share:.0%} of the work: what goes wrong between two could not show"
        problem += "; run it again"
    else:
        problem = ""
    measured = f"{1 - share:.0%} and {share:.0%} of {first + second:.1f} CPU seconds" if first else ""
    expected = f"two API processes share the work, {LEAST_SHARE:.0%} or more each"
    return self_check("both_processes", expected, problem, measured=measured, figures={"second_share": round(share, 4)})


def _generations(samples: Sequence[HostSample]) -> list[dict[str, float]]:
    """CPU seconds by process id, one entry for each set of processes: a kill of the group ends all of a set."""
    found: list[dict[str, float]] = []
    for sample in samples:
        if sample.at_s <= 0 or not sample.api_processes:
            continue
        if not found or not found[-1].keys() & sample.api_processes.keys():
            found.append(defaultdict(float))
        for pid, share in sample.api_processes.items():
            found[-1][pid] += share  # of a second
    return found
