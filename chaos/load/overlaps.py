"""Checks faults against each other, and against the load that must meet them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from chaos.faults import KINDS as FAULTS
from chaos.load.yaml import Path
from chaos.model.operations import named
from chaos.scenario import FaultSpec, LoadPhase, Scenario

Complaint = tuple[Path, str]

# A killed process is started again within a few seconds; until then it can't be paused or killed.
COMES_BACK_S = 5.0
# All other operations may lead to a charge.
READS = named(lambda operation: operation.reads_only)
# Far more calls than any variant makes per arrival, with retries and polls: a larger minimum is a typo.
CALLS_PER_ARRIVAL: Mapping[str, int] = {
    "shop_to_postgres": 2000,
    "shop_to_cache": 200,
    "shop_to_gateway": 20,
    "shop_to_mail": 20,
    "gateway": 20,
    "api": 20,
    "worker": 20,
}
CHARGES = frozenset({"shop_to_gateway", "shop_to_mail", "gateway", "worker"})


@dataclass(frozen=True, slots=True)
class Window:
    """When a fault may be in effect, in seconds since the load's start; with a trigger, from the earliest moment on."""

    index: int
    fault: FaultSpec
    from_s: float
    until_s: float

    def meets(self, other: Window) -> bool:
        """Whether both may be in effect at once."""
        return self.from_s < other.until_s and other.from_s < self.until_s

    @property
    def what(self) -> str:
        """Kind and target, for a sentence."""
        return f"{self.fault.kind} on {self.fault.params.on}"

    @property
    def lasts(self) -> str:
        """For a sentence: `lasts`, or `may last` when its times are not known beforehand."""
        fixed = self.fault.params.lasts_s is not None and self.fault.params.trigger is None
        return "lasts" if fixed else "may last"


def overlap_complaints(scenario: Scenario) -> Iterator[Complaint]:
    """All problems of the faults' times. Faults with an invalid start get their complaint elsewhere."""
    windows = list(_windows(scenario))
    for window in windows:
        yield from _too_short(window)
        yield from _out_of_reach(window, scenario.load)
    ordered = sorted(windows, key=lambda window: (window.from_s, window.index))
    for first, second in combinations(ordered, 2):
        if first.meets(second) and (why := _contradiction(first, second)):
            yield ("faults", second.index), why
    yield from _cut_off(windows)


def _windows(scenario: Scenario) -> Iterator[Window]:
    starts: dict[str, float] = {}
    at_s = 0.0
    for phase in scenario.load:
        starts.setdefault(phase.name, at_s)
        at_s += phase.duration_s
    for index, fault in enumerate(scenario.faults):
        moment, lasts_s = fault.params.starts, fault.params.lasts_s
        if moment.phase not in starts:
            continue
        from_s = starts[moment.phase] + moment.offset_s
        until_s = from_s + (COMES_BACK_S if lasts_s is None else lasts_s)
        if fault.params.trigger is not None:
            until_s = max(until_s, at_s)  # the trigger may be seen at any time of the load
        yield Window(index, fault, from_s, until_s)


def _too_short(window: Window) -> Iterator[Complaint]:
    lasts_s, least_s = window.fault.params.lasts_s, FAULTS[window.fault.kind].proof_s(window.fault.params)
    if lasts_s is not None and lasts_s < least_s:
        yield (
            ("faults", window.index, "for"),
            f"got {lasts_s:g}s, expected at least {least_s:g}s: so long a canary needs to feel it",
        )


def _out_of_reach(window: Window, load: tuple[LoadPhase, ...]) -> Iterator[Complaint]:
    target, asked = window.fault.params.on, window.fault.params.exposed_at_least
    if target not in CALLS_PER_ARRIVAL:
        return
    arrivals = _arrivals(load, window.until_s, charging=target in CHARGES)
    most = math.ceil(arrivals * CALLS_PER_ARRIVAL[target])
    if asked > most:
        whose = "arrivals that may lead to a charge" if target in CHARGES else "arrivals"
        yield (
            ("faults", window.index, "exposed_at_least"),
            f"got {asked}, expected at most {most}: about {arrivals:.0f} {whose} come before {window.what} ends",
        )


def _arrivals(load: tuple[LoadPhase, ...], until_s: float, *, charging: bool) -> float:
    """Arrivals from the load's start to *until_s*."""
    total, at_s = 0.0, 0.0
    for phase in load:
        share = min(1.0, max(0.0, (until_s - at_s) / phase.duration_s))
        at_s += phase.duration_s
        then_per_s = phase.rate_from_per_s + (phase.rate_to_per_s - phase.rate_from_per_s) * share
        weights = sum(phase.mix.values())
        counted = sum(weight for op, weight in phase.mix.items() if not (charging and op in READS))
        if weights:
            total += (phase.rate_from_per_s + then_per_s) / 2 * share * phase.duration_s * counted / weights
    return total


def _contradiction(first: Window, second: Window) -> str:
    """Why *second* can't begin while *first* is held; empty when it can."""
    one, other = first.fault, second.fault
    if one.params.on != other.params.on:
        return ""
    kind, its = FAULTS[one.kind], FAULTS[other.kind]
    if instead := kind.conflicts_with(one.params, its, other.params) or its.conflicts_with(
        other.params, kind, one.params
    ):
        return f"got {second.what} while {one.id} {first.lasts}, expected {instead}"
    if kind.severs and not its.felt_when_cut:
        return f"got {second.what} while {one.id} lets nothing through, expected it to begin before or after"
    return ""


def _cut_off(windows: list[Window]) -> Iterator[Complaint]:
    """Complaints about gateway faults during which the gateway can't be reached, so that no call can meet them."""
    for window in windows:
        if window.fault.params.on != "gateway":
            continue
        for other in windows:
            if other.fault.params.on != "shop_to_gateway" or not FAULTS[other.fault.kind].severs:
                continue
            if other.fault.params.hit_ratio < 1:
                continue
            if other.from_s <= window.from_s and window.until_s <= other.until_s:
                yield (
                    ("faults", window.index),
                    f"got {window.what} inside {other.fault.id}, expected a time when the gateway can be reached",
                )
