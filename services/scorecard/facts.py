"""Reads from the database the plain facts that the rules judge: a fixed number of queries for any number of runs."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from services.scorecard import rules
from services.scorecard.models import Confirmation, Dimension, Drill, HintUse, Run, ScoreChange

_RUN = ("run_id", "scenario", "variant", "seed", "verdict", "started_at", "scale")


Stamp: TypeAlias = tuple[int, datetime | None]
"""A state of the index: `Run.objects.stamp()`."""


def drill_facts(drills: Iterable[Drill], stamp: Stamp) -> list[rules.DrillFacts]:
    """Facts of *drills*, whose dimensions should have been prefetched."""
    listed = list(drills)
    keys = [drill.key for drill in listed]
    hints: dict[str, list[rules.HintFact]] = defaultdict(list)
    for use in HintUse.objects.filter(drill__in=keys):
        hints[use.drill_id].append(rules.HintFact(key=use.hint, solution=use.solution, used_at=use.used_at))
    cuts = tuple((key, *sorted({use.used_at for use in used})) for key, used in sorted(hints.items()))
    runs = _essential_runs(stamp, cuts, tuple((drill.key, drill.holds) for drill in listed))
    scores: dict[str, list[rules.ScoreFact]] = defaultdict(list)
    changes = ScoreChange.objects.filter(drill__in=keys).order_by("changed_at", "version")
    for drill_id, value, changed_at in changes.values_list("drill_id", "value", "changed_at"):
        scores[drill_id].append(rules.ScoreFact(value=value, changed_at=changed_at))
    confirmed: dict[str, list[rules.ConfirmationFact]] = defaultdict(list)
    for each in Confirmation.objects.filter(drill__in=keys):
        confirmed[each.drill_id].append(rules.ConfirmationFact(mentor=each.mentor, confirmed_at=each.confirmed_at))
    return [
        rules.DrillFacts(
            key=drill.key,
            number=drill.number,
            title=drill.title,
            dimensions=tuple(dimension.key for dimension in drill.dimensions.all()),
            core=tuple(drill.core),
            stretch=tuple(drill.stretch),
            holds=drill.holds,
            runs=runs.get(drill.key, ()),
            hints=tuple(hints[drill.key]),
            scores=tuple(scores[drill.key]),
            confirmations=tuple(confirmed[drill.key]),
        )
        for drill in listed
    ]


@functools.lru_cache(maxsize=8)
def _essential_runs(
    stamp: Stamp, cuts: tuple[tuple[str, *tuple[datetime, ...]], ...], holds: tuple[tuple[str, int], ...]
) -> Mapping[str, tuple[rules.RunFact, ...]]:
    """Drill → the learner's runs that count. All runs are read, but only once per state of the index (*stamp*)."""
    found: dict[str, list[rules.RunFact]] = defaultdict(list)
    mine = Run.objects.filter(drill__isnull=False, variant=rules.LEARNER_VARIANT).order_by()
    for drill_id, *values in mine.values_list("drill_id", *_RUN):
        found[str(drill_id)].append(rules.RunFact(**dict(zip(_RUN, values, strict=True))))
    moments, needed = {key: used for key, *used in cuts}, dict(holds)
    return {
        key: rules.essential(runs, holds=needed.get(key, 1), cuts=moments.get(key, ())) for key, runs in found.items()
    }


def dimensions() -> list[tuple[str, str]]:
    """Key and name, in the order of the axes."""
    return list(Dimension.objects.values_list("key", "name"))


@functools.lru_cache(maxsize=1)
def own_scenario_passed(stamp: Stamp) -> bool:
    """Whether, for a scenario in scenarios/own/, the last runs show what its `proves:` says."""
    last: dict[tuple[str, str], Run] = {}
    own = Run.objects.filter(scenario__startswith=rules.OWN_PREFIX, variant__in=("naive", "hardened"))
    for run in (
        own.with_enough_load()
        .exclude(verdict=Run.Verdict.INCONCLUSIVE)
        .only("run_id", "scenario", "variant", "verdict", "findings", "proves")[:200]
    ):
        last.setdefault((run.scenario, run.variant), run)
    return any(
        _proved(naive, last[scenario, "hardened"])
        for (scenario, variant), naive in last.items()
        if variant == "naive" and (scenario, "hardened") in last
    )


def _proved(naive: Run, hardened: Run) -> bool:
    proves = naive.proves if isinstance(naive.proves, dict) else {}
    return rules.proves_itself(
        must=proves.get("must", ()),
        may=proves.get("may", ()),
        naive_violated={each["check"] for each in naive.findings if each["verdict"] == "violated"},
        naive_open=rules.left_open(naive.findings),
        naive_verdict=naive.verdict,
        hardened_verdict=hardened.verdict,
    )
