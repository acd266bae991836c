"""A scenario cut down to what a look at one failed check needs. What such a look comes to is no evidence."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chaos.checks import InvariantCheck, RecoveryCheck, SloCheck
from chaos.drills.latest import Latest
from chaos.errors import InvalidInput
from chaos.exchanges import KINDS as SOURCES
from chaos.load import parse_scenario
from chaos.load.yaml import parse
from chaos.model.verdict import Finding
from chaos.plan import plan
from chaos.scenario import LoadPhase, Scenario, Section

PREFIX: Final = "watch-"
"""Names of cut scenarios begin with it: a run of one can't be taken for one of the drill."""
PARTNERS: Final = frozenset({"schedules_were_forced", "served_when_calm"})
"""Kept beside the failed checks: without them doing nothing at all would look right."""
BASELINE_S: Final = 3.0
AFTER_S: Final = 1.0
STEADY_OPERATIONS: Final = 30
"""So many of each operation that the steady state is about: a p95 needs 20, and arrivals are drawn."""
SETTLE_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What is looked at.

    Attributes:
        of: The scenario that was cut.
        left_out: What a run of it has besides, each a few words; empty when nothing was left out.
    """

    of: Scenario
    scenario: Scenario
    left_out: tuple[str, ...]


def cut(scenario: Scenario, last: Latest | None) -> Cut:
    """The scenario with the checks that failed in *last*, and only the load and exchanges that those need.

    Without a failed check nothing but what follows a fault is shortened.
    """
    document = parse(scenario.text, scenario.name).data
    failed = {finding.check for finding in last.failed} if last else set()
    left_out: list[str] = []
    kept = _checks(scenario, document, failed)
    document.pop("proves", None)
    document.pop("guardrails", None)
    whole = copy.deepcopy(document)
    if scenario.exchanges:
        _sections(document, scenario, last.failed if last else (), left_out)
    else:
        _phases(document, scenario, kept, left_out)
    try:
        made = _parsed(document, scenario)
    except InvalidInput:  # what was left out was needed by what is left
        left_out = []
        made = _parsed(whole, scenario)
    if fewer := len(scenario.checks) - len(made.checks):
        left_out.insert(0, f"{fewer} of {len(scenario.checks)} checks")
    return Cut(of=scenario, scenario=made, left_out=tuple(left_out))


def _parsed(document: Mapping[str, Any], scenario: Scenario) -> Scenario:
    text = json.dumps(document, indent=1, ensure_ascii=False)  # which YAML takes as it is
    return parse_scenario(text, name=f"{PREFIX}{scenario.slug}", where=scenario.name)


def _checks(
    scenario: Scenario, document: dict[str, Any], failed: Collection[str]
) -> Sequence[InvariantCheck | SloCheck | RecoveryCheck]:
    """Keep the checks that failed, and what makes them worth something."""
    listed = document["checks"]
    pairs = list(zip(scenario.checks, listed, strict=False))
    wanted = [pair for pair in pairs if pair[0].id in failed]
    if not wanted:
        return scenario.checks
    chosen = [pair for pair in pairs if pair in wanted or pair[0].id in PARTNERS]
    document["checks"] = [entry for _, entry in chosen]
    return [check for check, _ in chosen]


def _sections(document: dict[str, Any], scenario: Scenario, failed: Sequence[Finding], left_out: list[str]) -> None:
    """Keep the cases that the failed checks have as examples, where every check has some, and the sections of those."""
    if not any(SOURCES[section.source].forces for section in scenario.exchanges) and scenario.settle_s > SETTLE_S:
        document["settle"] = f"{SETTLE_S:g}s"  # what single requests show does not depend on how orders end
    if not failed or not all(finding.examples for finding in failed):
        return
    examples = [example for finding in failed for example in finding.examples]
    shown = {section.name: _shown(section.name, examples) for section in scenario.exchanges}
    needed = {used: user for user, used in filter(None, map(_behind, scenario.exchanges))}
    kept = {name for name, cases in shown.items() if cases}
    kept |= {used for used, user in needed.items() if user in kept}
    if not kept:
        return
    entries = [(s, entry) for s, entry in zip(scenario.exchanges, document["exchanges"], strict=True) if s.name in kept]
    document["exchanges"] = [entry for _, entry in entries]
    if gone := [name for name in shown if name not in kept]:
        left_out.append(f"{', '.join(gone)} of its sections")
    for section, entry in entries:
        # What another section uses is sent whole, as is what is drawn anew or depends on the stops of an interleaving.
        source = SOURCES[section.source]
        if section.name not in needed and not source.forces and not source.drawn(section.params):
            entry["ids"] = shown[section.name]
            left_out.append(f"the requests of {section.name} that {len(entry['ids'])} examples do not need")


def _shown(section: str, examples: Sequence[str]) -> list[str]:
    """The examples that are cases of *section*, each once."""
    return list(dict.fromkeys(one for one in examples if re.fullmatch(rf"{section}[-/].+", one)))


def _behind(section: Section) -> tuple[str, str] | None:
    """The section and the one whose answers it uses; None when it uses none."""
    found = SOURCES[section.source].behind(section.params)
    return (section.name, getattr(section.params, found[0])) if found else None


def _under_faults(scenario: Scenario) -> set[str]:
    """Names of the phases during which a fault is on."""
    planned = plan(scenario, seed=scenario.seed, scale=1.0)
    return {
        phase.name
        for phase in planned.phases
        for fault in planned.faults
        if fault.inject_s < phase.start_s + phase.duration_s
        and (fault.lift_s or fault.inject_s + (fault.lasts_s or 0.1)) > phase.start_s
    }


def _before_s(scenario: Scenario, phase: LoadPhase) -> float:
    """How long *phase* has to last before a fault, so that its steady state can be told."""
    weights = sum(phase.mix.values())
    per_s = (phase.rate_from_per_s + phase.rate_to_per_s) / 2
    rates = [per_s * phase.mix.get(use.params.op or "", weights) / weights for use in scenario.steady_state]
    return max([BASELINE_S, *(math.ceil(STEADY_OPERATIONS / rate) for rate in rates if rate)])


def _phases(
    document: dict[str, Any], scenario: Scenario, kept: Sequence[InvariantCheck | SloCheck | RecoveryCheck],
    left_out: list[str],
) -> None:  # fmt: skip
    """Shorten what comes before and after the faults; a fault's own phase stays as long as it is.

    A shorter outage would be survived by what a cache remembers, and by whoever waits it out.
    """
    faulty = _under_faults(scenario)
    needed = {check.use.phase for check in kept if isinstance(check, SloCheck)} | faulty
    exact = any(isinstance(check, InvariantCheck) and check.id not in PARTNERS for check in kept)
    recovery = any(isinstance(check, RecoveryCheck) for check in kept)
    before, short = scenario.duration_s, 0.0
    passed = False
    for phase, entry in zip(scenario.load, document["load"], strict=True):
        passed = passed or phase.name in needed
        least = phase.duration_s
        if phase.name not in needed and faulty:
            least = min(least, least if passed and recovery else AFTER_S if passed else _before_s(scenario, phase))
            entry["for"] = f"{least:g}s"
        short += least
    if short < before:
        left_out.append(f"{before - short:g} of {before:g} s of load, before and after the fault")
    if not exact and not recovery and scenario.settle_s > SETTLE_S:
        document["settle"] = f"{SETTLE_S:g}s"
