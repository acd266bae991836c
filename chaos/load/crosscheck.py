"""Checks a file's parts against each other: phases, targets, blast radius, operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import ceil, sqrt

from chaos.checks import InvariantCheck, RecoveryCheck, SloCheck
from chaos.load.complaints import expected_one_of
from chaos.load.overlaps import Complaint, overlap_complaints
from chaos.load.sections import during, section_complaints, target_complaints
from chaos.load.yaml import Path
from chaos.model import access
from chaos.model.faults import TARGETS, PhaseTime
from chaos.model.operations import OPERATIONS, named
from chaos.probes import ProbeUse
from chaos.scenario import FaultSpec, LoadPhase, Scenario

# Twice the goal for one core of the load driver. A higher rate is a typo, and its schedule would take hours to compute.
MAX_RATE_PER_S = 10_000.0


MOST_LOAD_S = 6 * 3600.0
"""Judging and replaying a run take time for each second of its load."""


def complaints(scenario: Scenario) -> Iterator[Complaint]:
    """All problems that no single value shows. A file that is too large gets only that complaint, to save time."""
    too_large = list(_sizes(scenario))
    if too_large:
        yield from too_large
        return
    yield from _blast_radius(scenario)
    yield from _proves(scenario)
    if scenario.exchanges:
        yield from section_complaints(scenario)
        return
    if not scenario.load:
        yield ("load",), "got nothing, expected this key, or exchanges"
        return
    if not scenario.steady_state:
        yield ("steady_state",), "got nothing, expected this key"
    yield from _load(scenario.load)
    for index, fault in enumerate(scenario.faults):
        yield from _fault(index, fault, scenario)
    yield from overlap_complaints(scenario)
    yield from _checks(scenario)
    yield from _accounts(scenario)
    first = scenario.load[0]
    yield from _probes("steady_state", scenario.steady_state, _probed(first), f"phase {first.name}")
    everywhere = frozenset().union(*(_probed(phase) for phase in scenario.load))
    yield from _probes("guardrails", scenario.guardrails, everywhere, "the load")


def _probed(phase: LoadPhase) -> frozenset[str]:
    """Operations that probes measure in *phase*: the scheduled ones. Follow-ups such as polls are not measured."""
    return frozenset(op for op, weight in phase.mix.items() if weight)


def _sizes(scenario: Scenario) -> Iterator[Complaint]:
    for name, entries, most in (
        ("load", scenario.load, 50),
        ("exchanges", scenario.exchanges, 50),
        ("faults", scenario.faults, 50),
        ("checks", scenario.checks, 100),
        ("steady_state", scenario.steady_state, 20),
        ("guardrails", scenario.guardrails, 20),
    ):
        if len(entries) > most:
            yield (name,), f"got {len(entries)} entries, expected at most {most}"
    if scenario.duration_s > MOST_LOAD_S:
        yield ("load",), f"got a load of {scenario.duration_s:g} s, expected at most {MOST_LOAD_S:g}"


def _load(load: tuple[LoadPhase, ...]) -> Iterator[Complaint]:
    for name, times in Counter(phase.name for phase in load).items():
        if times > 1:
            yield ("load",), f"got the phase {name!r} {times} times, expected unique names"
    for index, phase in enumerate(load):
        if not any(phase.mix.values()):
            yield ("load", index, "mix"), "got no weight above 0, expected at least one"
        for op in phase.mix:
            if op not in OPERATIONS:
                yield ("load", index, "mix", op), expected_one_of(op, OPERATIONS)
        if phase.rate_from_per_s == phase.rate_to_per_s == 0:
            yield ("load", index, "arrivals"), "got a rate of 0/s throughout, expected arrivals"
        if (fastest := max(phase.rate_from_per_s, phase.rate_to_per_s)) > MAX_RATE_PER_S:
            yield ("load", index, "arrivals"), f"got {fastest:g}/s, expected at most {MAX_RATE_PER_S:g}/s"


def _blast_radius(scenario: Scenario) -> Iterator[Complaint]:
    for index, target in enumerate(scenario.blast_radius):
        if target not in TARGETS:
            yield ("blast_radius", index), expected_one_of(target, TARGETS)


def _fault(index: int, fault: FaultSpec, scenario: Scenario) -> Iterator[Complaint]:
    path: Path = ("faults", index)
    yield from target_complaints(path, fault, scenario)
    if section := during(fault):
        yield (*path, "during"), f"got {section!r} in a scenario with load, expected from: and for:"
        return
    moment = fault.params.starts
    key = next((word for word in ("from", "at", "after") if _given(fault, word)), "from")
    phases = {phase.name: phase for phase in scenario.load}
    if moment.phase not in phases:
        yield (*path, key), expected_one_of(moment.phase, phases)
        return
    yield from _timing((*path, key), fault, moment, scenario)


def _given(fault: FaultSpec, word: str) -> bool:
    return getattr(fault.params, f"{word}_" if word == "from" else word, None) is not None


def _timing(path: Path, fault: FaultSpec, moment: PhaseTime, scenario: Scenario) -> Iterator[Complaint]:
    starts_s = 0.0
    for phase in scenario.load:
        if phase.name == moment.phase:
            break
        starts_s += phase.duration_s
    if moment.offset_s >= phase.duration_s:
        yield path, f"got {moment}, expected a moment inside {phase.name}, which lasts {phase.duration_s:g}s"
    if phase.name == scenario.load[0].name:
        yield path, f"got {moment}, expected a later phase: the steady state is judged on {phase.name}, without faults"
    ends_s = starts_s + moment.offset_s + (fault.params.lasts_s or 0.0)
    if ends_s > scenario.duration_s:
        yield path, f"got a fault that ends at {ends_s:g}s, expected an end within the load's {scenario.duration_s:g}s"


def _accounts(scenario: Scenario) -> Iterator[Complaint]:
    """Whether operations on accounts have what they need: the access matrix, and a session for each use."""
    operations = frozenset().union(*(phase.operations for phase in scenario.load))
    if operations & named(lambda operation: operation.asks_matrix):
        try:
            access.parse(scenario.access_table)
        except access.TableError as error:
            for problem in error.problems:
                yield ("load",), f"{access.TABLE}: {problem}"
    spending = sorted(operations & named(lambda operation: operation.spends_session))
    arrivals = sum((phase.rate_from_per_s + phase.rate_to_per_s) / 2 * phase.duration_s for phase in scenario.load)
    most = arrivals + 4 * sqrt(arrivals)  # Poisson arrivals exceed this, 4 standard deviations, almost never
    needed = ceil(most / 0.9)  # the last tenth of the customers keep their sessions, see `World.settled`
    if spending and scenario.world.customers < needed:
        words = ", ".join(spending)
        yield (
            ("world", "customers"),
            f"got {scenario.world.customers}, expected at least {needed}: {words} end sessions",
        )


def _checks(scenario: Scenario) -> Iterator[Complaint]:
    phases = {phase.name: phase for phase in scenario.load}
    everywhere = frozenset().union(*(phase.operations for phase in scenario.load))
    seen: set[str] = set()
    for index, check in enumerate(scenario.checks):
        path: Path = ("checks", index)
        if check.id in seen:
            yield path, f"got {check.id} a second time, expected each check once"
        seen.add(check.id)
        match check:
            case InvariantCheck():
                if check.invariant.sources and check.invariant.ops == frozenset():
                    yield path, f"got {check.id}, which judges exchanges, expected a check of load"
                for op in sorted(check.invariant.requires_ops - everywhere):
                    yield path, f"got {check.id}, which needs the operation {op}, expected a mix that performs it"
                for position, phase in enumerate(getattr(check.params, "phases", ())):
                    if phase not in phases:
                        yield (*path, "phases", position), expected_one_of(phase, phases)
            case SloCheck(use=use):
                if use.phase not in phases:
                    yield (*path, "phase"), expected_one_of(use.phase, phases)
                else:
                    yield from _op((*path, "op"), use, _probed(phases[use.phase]), f"phase {use.phase}")
            case RecoveryCheck():
                if not scenario.faults:
                    yield path, "got recovers_within without any fault, expected a fault to recover from"


def _probes(key: str, uses: tuple[ProbeUse, ...], operations: frozenset[str], where: str) -> Iterator[Complaint]:
    for index, use in enumerate(uses):
        yield from _op((key, index, "op"), use, operations, where)


def _op(path: Path, use: ProbeUse, operations: frozenset[str], where: str) -> Iterator[Complaint]:
    if use.params.op is not None and use.params.op not in operations:
        yield path, f"{expected_one_of(use.params.op, operations)}: the mix of {where} performs no other"


def _proves(scenario: Scenario) -> Iterator[Complaint]:
    if scenario.proves is None:
        return
    known = {check.id for check in scenario.checks}
    for word, ids in (("must", scenario.proves.must), ("may", scenario.proves.may)):
        for index, check in enumerate(ids):
            if check not in known:
                yield ("proves", "naive", word, index), expected_one_of(check, known)
    if not scenario.proves.must and not scenario.proves.mutants:
        yield (
            ("proves", "naive", "must"),
            "got none, expected a check that naive violates, or a mutant under proves.mutants",
        )
    for check in sorted(set(scenario.proves.must) & set(scenario.proves.may)):
        yield ("proves", "naive"), f"got {check!r} under must and may, expected one of them"
