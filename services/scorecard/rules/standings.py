"""A drill's self-score against its evidence: ceiling, overclaim, regression, red flags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.scorecard.rules.facts import (
    ASSISTED,
    INDEPENDENT,
    LEARNER_VARIANT,
    OWNER,
    UNFAMILIAR,
    DrillFacts,
    RunFact,
    fresh,
    in_a_row,
    latest_decided,
)

ABOUT_THE_API = frozenset({"invariant", "slo", "recovery"})
"""Kinds of findings that judge the API. All others are about the run itself: its faults, witnesses, steady state."""
APART = timedelta(days=7)
"""A stretch has to hold twice, at least this much apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A drill's self-score against its evidence.

    Attributes:
        ceiling: The highest score that the evidence supports; None while no evidence decides.
        reason: Why the ceiling is that, in a sentence.
        gap: How far the self-score is above the ceiling; 0 when it is not.
        regressed: Scenarios that held and are violated now.
        self_attested: A score of 3 that no mentor's re-run has confirmed.
    """

    ceiling: int | None
    reason: str
    gap: int = 0
    regressed: tuple[str, ...] = ()
    self_attested: bool = False

    @property
    def overclaim(self) -> bool:
        return self.gap > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RedFlag:
    """Something to look at. `kind` is `critical_gap`, `overclaim` or `regression`."""

    kind: str
    drill: int
    text: str


def standing(drill: DrillFacts) -> Standing:
    """Ceiling 0: core violated; 1: held with a solution-level hint; 2: held; 3: stretch held twice, fresh, no hint."""
    runs = tuple(run for run in drill.runs if run.variant == LEARNER_VARIANT)
    ceiling, reason = _ceiling(drill, runs)
    value = drill.value
    gap = max(0, value - ceiling) if value is not None and ceiling is not None else 0
    return Standing(
        ceiling=ceiling,
        reason=reason,
        gap=gap,
        regressed=_regressed(runs),
        self_attested=value == OWNER and not drill.confirmations,
    )


def _ceiling(drill: DrillFacts, runs: tuple[RunFact, ...]) -> tuple[int | None, str]:
    if not drill.core:
        return None, "No scenario of this lab grades this drill yet, so there is no evidence either way."
    newest = latest_decided(runs)
    broken = [name for name in drill.core if name in newest and newest[name].verdict == "violated"]
    if broken:
        return UNFAMILIAR, f"Core not passed: {listed(broken)} violated at the last try."
    rows = {name: list(in_a_row(run for run in runs if run.scenario == name)) for name in drill.core}
    missing = _core_missing(rows, drill.holds)
    if missing:
        return None, missing
    core_by = max(_passed_at(row, drill.holds) for row in rows.values())
    if any(hint.solution and hint.used_at <= core_by for hint in drill.hints):
        return ASSISTED, "Core passed, with a hint that gives the solution away."
    if not drill.stretch:
        return INDEPENDENT, "Core passed. This lab has no stretch for this drill, so evidence ends here."
    missing = _stretch_missing(drill, runs, newest)
    if missing:
        return INDEPENDENT, f"Core passed. Stretch: {missing}"
    return OWNER, "Core passed, and the stretch held on fresh seeds without hints, twice and a week apart."


def _core_missing(rows: Mapping[str, Sequence[tuple[RunFact, int]]], holds: int) -> str:
    """What the core still lacks, when none of it is violated; empty when it has passed."""
    if not any(rows.values()):
        return "No evidence yet: no run of the core on your own code has decided anything."
    seeds = {name: row[-1][1] for name, row in rows.items() if row}
    missing = [f"{name} held on {seen} of {holds} seeds in a row" for name, seen in seeds.items() if seen < holds]
    if open_ := [name for name, row in rows.items() if not row]:
        missing.append(f"{listed(open_)} still to be run on your own code")
    return f"No evidence yet for the whole core: {listed(missing)}." if missing else ""


def _passed_at(row: Sequence[tuple[RunFact, int]], holds: int) -> datetime:
    """When a scenario of the core first passed: a hint opened after that did not help with it."""
    return min(run.started_at for run, seeds in row if seeds >= holds)


def _stretch_missing(drill: DrillFacts, runs: tuple[RunFact, ...], newest: Mapping[str, RunFact]) -> str:
    broken = [name for name in drill.stretch if name in newest and newest[name].verdict == "violated"]
    if broken:
        return f"{listed(broken)} violated at the last try."
    first_hint = min((hint.used_at for hint in drill.hints), default=None)
    never, once = [], []
    for name in drill.stretch:
        held = [
            run.started_at
            for run in fresh(run for run in runs if run.scenario == name)
            if run.held and (first_hint is None or run.started_at < first_hint)
        ]
        if not held:
            never.append(name)
        elif max(held) - min(held) < APART:
            once.append(name)
    if never:
        return f"{listed(never)} still to hold on a fresh seed without hints."
    if once:
        return f"{listed(once)} still to hold again on a fresh seed, at least {APART.days} days after the first time."
    return ""


def _regressed(runs: tuple[RunFact, ...]) -> tuple[str, ...]:
    newest = latest_decided(runs)
    held = {run.scenario for run in runs if run.held}
    return tuple(sorted(name for name, run in newest.items() if run.verdict == "violated" and name in held))


def red_flags(drills: Sequence[DrillFacts]) -> tuple[RedFlag, ...]:
    """Critical gaps, overclaims and regressions, by drill."""
    found = []
    for drill in drills:
        stands = standing(drill)
        if drill.value == UNFAMILIAR:
            found.append(RedFlag(kind="critical_gap", drill=drill.number, text="critical gap: scored 0"))
        if stands.overclaim:
            text = f"overclaim: scored {drill.value}, the evidence supports {stands.ceiling}"
            found.append(RedFlag(kind="overclaim", drill=drill.number, text=text))
        if stands.regressed:
            text = f"regression: {listed(stands.regressed)} held before and is violated now"
            found.append(RedFlag(kind="regression", drill=drill.number, text=text))
    return tuple(found)


def proves_itself(
    *,
    must: Iterable[str],
    may: Iterable[str],
    naive_violated: Iterable[str],
    naive_verdict: str,
    hardened_verdict: str,
    naive_open: Iterable[str] = (),
) -> bool:
    """Whether a scenario's last runs show what its `proves:` says, by the rule of the lab's self-test.

    Args:
        naive_open: `left_open` of the run on naive. With any, a violated exact invariant stands, but the run does not
            show that the fault caused it.
    """
    must, violated = set(must), set(naive_violated)
    named = must <= violated <= must | set(may)
    told = named and not any(naive_open)
    return bool(must) and told and naive_verdict == "violated" and hardened_verdict == "held"


def left_open(findings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of the checks of the run itself that were inconclusive."""
    return [
        str(each.get("check"))
        for each in findings
        if each.get("verdict") == "inconclusive" and each.get("kind") not in ABOUT_THE_API
    ]


def listed(names: Sequence[str]) -> str:
    return ", ".join(names)
