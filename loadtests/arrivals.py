"""The times of all arrivals, computed before the run starts. Pure.

Arrivals of an open model don't wait for answers, so their times are computed beforehand: take points on the axis of the
integrated rate (unit distance apart, or with exponential gaps for a Poisson process) and map each back to time.
"""

from __future__ import annotations

import math
import random
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from chaos.model.loadplan import PlanPhase
from loadtests.draws import Draws, Stream

KINDS = ("poisson", "uniform")


def expected_count(phase: PlanPhase, until_s: float | None = None) -> float:
    """Integrated rate of *phase*: mean number of arrivals in it, or in its first *until_s* seconds."""
    x = phase.duration_s if until_s is None else min(max(until_s, 0.0), phase.duration_s)
    slope = (phase.rate_to_per_s - phase.rate_from_per_s) / phase.duration_s
    return phase.rate_from_per_s * x + slope * x * x / 2


def time_of(phase: PlanPhase, count: float) -> float:
    """Seconds into *phase* at which its integrated rate reaches *count*; the inverse of `expected_count`.

    Written with the root in the denominator, because the textbook form loses all digits when the rate hardly changes.
    """
    if count <= 0:
        return 0.0
    slope = (phase.rate_to_per_s - phase.rate_from_per_s) / phase.duration_s
    root = math.sqrt(max(phase.rate_from_per_s**2 + 2 * slope * count, 0.0))
    below = phase.rate_from_per_s + root
    return min(2 * count / below, phase.duration_s) if below > 0 else 0.0


def _positions(kind: str, seed: int) -> Iterator[float]:
    """Points on the axis of the integrated rate, in ascending order, without end."""
    rng = random.Random(f"arrivals/{kind}/{seed}")  # noqa: S311  # demand that can be repeated, not a secret
    at = rng.random() if kind == "uniform" else rng.expovariate(1.0)
    while True:
        yield at
        at += 1.0 if kind == "uniform" else rng.expovariate(1.0)


def arrival_times(phases: Sequence[PlanPhase], *, seed: int, kind: str) -> Iterator[tuple[float, int]]:
    """Intended times in seconds since the load's start, in ascending order, each with the index of its phase."""
    positions = _positions(kind, seed)
    at, passed = next(positions), 0.0
    for number, phase in enumerate(phases):
        inside = expected_count(phase)
        while at < passed + inside:
            # A rounded time must not leave its phase: an operation belongs to the phase of its intended time.
            intended = phase.start_s + min(time_of(phase, at - passed), math.nextafter(phase.duration_s, 0.0))
            yield intended, number
            at = next(positions)
        passed += inside


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One worker's share: its arrival `n` happens at `intended_s[n]`, in `phases[n]`, with operation `ops[n]`.

    Attributes:
        index: The arrivals' numbers over all workers. All random choices of an arrival derive from seed and number,
            so the same seed sends the same requests to every variant and with any number of workers.
        phases: Indexes into the plan's phases.
        ops: Indexes into `op_names`.
        total: Arrivals of all workers together; workers with different totals don't play the same schedule.
    """

    index: array[int]
    intended_s: array[float]
    phases: array[int]
    ops: array[int]
    op_names: tuple[str, ...]
    total: int

    def __len__(self) -> int:
        return len(self.intended_s)


class Mix:
    """Picks an operation by weight."""

    def __init__(self, weights: Mapping[str, int], op_names: Sequence[str]) -> None:
        names = sorted(name for name, weight in weights.items() if weight > 0)  # independent of the file's order
        self._ops = [op_names.index(name) for name in names]
        self._edges = list(accumulate(weights[name] for name in names))

    def pick(self, draw: float) -> int:
        """Index of the operation for *draw* in [0, 1)."""
        return self._ops[bisect_right(self._edges, draw * self._edges[-1])]


def shard(phases: Sequence[PlanPhase], *, seed: int, kind: str, worker: int, workers: int) -> Schedule:
    """Every *workers*-th arrival, starting with number *worker*: all shards together are the whole schedule."""
    op_names = tuple(sorted({name for phase in phases for name in phase.mix}))
    mixes = [Mix(phase.mix, op_names) for phase in phases]
    indexes, intended, in_phases, ops = array("q"), array("d"), array("H"), array("H")
    total = 0
    for index, (intended_s, phase) in enumerate(arrival_times(phases, seed=seed, kind=kind)):
        total = index + 1
        if index % workers != worker:
            continue
        indexes.append(index)
        intended.append(intended_s)
        in_phases.append(phase)
        ops.append(mixes[phase].pick(Draws(seed, index, Stream.MIX).unit()))
    return Schedule(index=indexes, intended_s=intended, phases=in_phases, ops=ops, op_names=op_names, total=total)


def phase_at(phases: Sequence[PlanPhase], at_s: float) -> int:
    """Index of the phase that contains *at_s*; a time between or after phases belongs to the phase before it."""
    return max(bisect_right([phase.start_s for phase in phases], at_s) - 1, 0)
