"""All progress at once: radar, weakest dimensions, levels, red flags, months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from services.scorecard import rules
from services.scorecard.facts import dimensions, drill_facts, own_scenario_passed
from services.scorecard.models import Drill, Month, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthView:
    """A month's figures with its notes. `version` is 0 while there are no notes."""

    month: str
    has_data: bool
    average: float | None
    scored: int
    red_flags: tuple[rules.RedFlag, ...]
    notes: str
    version: int
    updated_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the page Progress shows.

    Attributes:
        reached: The highest level that is reached together with all below it; None before the first.
        next_level: The level after *reached*; None when all are reached.
    """

    average: float | None
    scored: int
    radar: tuple[rules.Axis, ...]
    weakest: tuple[rules.Axis, ...]
    levels: tuple[rules.LevelState, ...]
    reached: str | None
    next_level: str | None
    self_attested: tuple[int, ...]
    red_flags: tuple[rules.RedFlag, ...]
    months: tuple[MonthView, ...]


def progress(*, now: datetime | None = None) -> Progress:
    """As of now: a fixed number of queries."""
    stamp = Run.objects.stamp()
    facts = drill_facts(Drill.objects.prefetch_related("dimensions"), stamp)
    axes = rules.radar(dimensions(), facts)
    levels = rules.levels(facts, own_scenario=own_scenario_passed(stamp))
    # A level requires the ones below it: each asks for what the one before asks, and more.
    first_open = next((index for index, level in enumerate(levels) if not level.reached), len(levels))
    notes = {month.month: month for month in Month.objects.all()}
    return Progress(
        average=rules.average(facts),
        scored=sum(drill.value is not None for drill in facts),
        radar=axes,
        weakest=rules.weakest(axes),
        levels=levels,
        reached=levels[first_open - 1].key if first_open else None,
        next_level=levels[first_open].key if first_open < len(levels) else None,
        self_attested=tuple(drill.number for drill in facts if rules.standing(drill).self_attested),
        red_flags=rules.red_flags(facts),
        months=tuple(
            _with_notes(state, notes.get(state.month))
            for state in rules.trend(facts, now=now or timezone.now(), noted=notes)
        ),
    )


def _with_notes(state: rules.MonthState, noted: Month | None) -> MonthView:
    return MonthView(
        month=state.month,
        has_data=state.has_data,
        average=state.average,
        scored=state.scored,
        red_flags=state.red_flags,
        notes=noted.notes if noted else "",
        version=noted.version if noted else 0,
        updated_at=noted.updated_at if noted else None,
    )
