"""Checks the parts of a scenario with `exchanges:` against each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from chaos.checks import InvariantCheck
from chaos.exchanges import KINDS as SOURCES
from chaos.faults import KINDS as FAULTS
from chaos.load.complaints import expected_one_of
from chaos.load.overlaps import Complaint
from chaos.load.yaml import Path
from chaos.scenario import FaultSpec, Scenario, Section

_FOR_LOAD = "which measures load, expected an invariant: a scenario with exchanges has no load"


def section_complaints(scenario: Scenario) -> Iterator[Complaint]:
    """All problems that no single value shows."""
    if scenario.load:
        yield ("exchanges",), "got load as well, expected one of them"
    for key, uses in (("steady_state", scenario.steady_state), ("guardrails", scenario.guardrails)):
        if uses:
            yield (key,), f"got {key}, which measures load, expected none in a scenario with exchanges"
    yield from _sections(scenario)
    for index, fault in enumerate(scenario.faults):
        yield from _fault(index, fault, scenario)
    yield from _checks(scenario)


def _sections(scenario: Scenario) -> Iterator[Complaint]:
    for name, times in Counter(section.name for section in scenario.exchanges).items():
        if times > 1:
            yield ("exchanges",), f"got the section {name!r} {times} times, expected unique names"
    for index, section in enumerate(scenario.exchanges):
        for key, what in SOURCES[section.source].problems(section.params, scenario.world):
            yield ("exchanges", index, key), what
        if getattr(section.params, "ids", ()) and SOURCES[section.source].forces:
            yield ("exchanges", index, "ids"), "got ids, expected none: what it sends depends on how it runs"
        yield from _order(index, section, scenario.exchanges[:index])


def _order(index: int, section: Section, earlier: Sequence[Section]) -> Iterator[Complaint]:
    """Whether what comes before it is what it needs, and spoils nothing of it."""
    source = SOURCES[section.source]
    if needed := source.behind(section.params):
        key, other = needed
        named, there = getattr(section.params, key), [each.name for each in earlier if each.source == other]
        if named not in there:
            known = ", ".join(there) or "there is none"
            yield (
                ("exchanges", index, key),
                f"got {named!r}, expected an earlier section that sends {other} ({known})",
            )
    spoils = next((each.source for each in earlier if SOURCES[each.source].changes), None)
    if source.compares and spoils:
        yield (
            ("exchanges", index),
            f"got {source.name} after a section of {spoils}, which changes what it compares, expected it before",
        )


def _fault(index: int, fault: FaultSpec, scenario: Scenario) -> Iterator[Complaint]:
    path: Path = ("faults", index)
    yield from target_complaints(path, fault, scenario)
    section, sections = during(fault), [section.name for section in scenario.exchanges]
    if section is None:
        yield path, f"got {fault.kind} at a time of the load, expected during: with a section ({', '.join(sections)})"
    elif section not in sections:
        yield (*path, "during"), expected_one_of(section, sections)
    elif fault.params.on in ("worker", "relay") and any(
        SOURCES[each.source].quiet for each in scenario.exchanges if each.name == section
    ):
        yield (*path, "on"), f"got {fault.params.on!r}, which stands still in {section} anyway, expected another target"


def during(fault: FaultSpec) -> str | None:
    """The section during which *fault* is held; None for a fault with a time."""
    found: str | None = getattr(fault.params, "during", None)
    return found


def target_complaints(path: Path, fault: FaultSpec, scenario: Scenario) -> Iterator[Complaint]:
    """Whether the fault's kind, and this scenario's blast radius, allow its target."""
    target, targets = fault.params.on, FAULTS[fault.kind].params.targets
    if target not in targets:
        yield (*path, "on"), expected_one_of(target, targets)
    elif target not in scenario.blast_radius:
        radius = ", ".join(scenario.blast_radius) or "nothing"
        yield (*path, "on"), f"got {target!r}, expected a target inside the blast radius ({radius})"


def _checks(scenario: Scenario) -> Iterator[Complaint]:
    sent = {section.source for section in scenario.exchanges}
    history = frozenset().union(*(SOURCES[each.source].performed(each.params) for each in scenario.exchanges))
    seen: set[str] = set()
    for index, check in enumerate(scenario.checks):
        path: Path = ("checks", index)
        if check.id in seen:
            yield path, f"got {check.id} a second time, expected each check once"
        seen.add(check.id)
        if not isinstance(check, InvariantCheck):
            yield path, f"got {check.id}, {_FOR_LOAD}"
            continue
        kind = check.invariant
        if kind.sources and not kind.standing_for & history:
            if not kind.sources & sent:
                yield path, f"got {check.id}, expected a section that sends {' or '.join(sorted(kind.sources))}"
            continue
        for op in sorted(kind.requires_ops - history):
            yield path, f"got {check.id}, which needs the operation {op}, expected a source that performs it"
        if not history and not kind.requires_ops:
            yield path, f"got {check.id}, which judges operations of the history, expected a source that performs any"
