"""What can be done to the scorecard. The API and the admin are two ways to call these functions."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.scorecard import rules
from services.scorecard.briefs import Hint, brief_of
from services.scorecard.facts import Stamp, drill_facts
from services.scorecard.models import Confirmation, Drill, HintUse, Learner, Month, Run, Score, ScoreChange


class StaleVersion(Exception):
    """The object has changed since the caller read it.

    Attributes:
        current: The object as it is now.
    """

    def __init__(self, *, what: str = "score", seen: int, current: Any) -> None:
        super().__init__(
            f"version: got {seen}, expected {current.version}: the {what} was changed meanwhile; load it again"
        )
        self.current = current


class NotConfirmed(Exception):
    """A run that can't confirm anything: `where: got X, expected Y`."""


@transaction.atomic
def record_score(*, drill_key: str, value: int | None, notes: str, version: int) -> Score:
    """Replace the score of a drill and keep the change as history; saving equal values changes nothing.

    Args:
        version: The version that the caller read.

    Raises:
        Score.DoesNotExist: There is no such drill.
        StaleVersion: The score was changed after the caller read it.
    """
    score = Score.objects.select_for_update().get(drill_id=drill_key)
    if score.version != version:
        raise StaleVersion(seen=version, current=score)
    if (score.value, score.notes) == (value, notes):
        return score
    score.value, score.notes = value, notes
    score.version += 1
    score.updated_at = timezone.now()
    score.save()
    ScoreChange.objects.create(
        drill_id=drill_key, version=score.version, value=value, notes=notes, changed_at=score.updated_at
    )
    return score


@transaction.atomic
def record_month(*, month: str, notes: str, version: int) -> Month:
    """Replace a month's notes. Raises: StaleVersion."""
    Month.objects.get_or_create(month=month)
    found = Month.objects.select_for_update().get(month=month)
    if found.version != version:
        raise StaleVersion(what="month", seen=version, current=found)
    if found.notes != notes:
        found.notes = notes
        _save_next(found)
    return found


@transaction.atomic
def name_learner(*, name: str, version: int) -> Learner:
    """Replace the learner's name. Raises: StaleVersion."""
    Learner.objects.get_or_create(id=1)
    found = Learner.objects.select_for_update().get(id=1)
    if found.version != version:
        raise StaleVersion(what="name", seen=version, current=found)
    if found.name != name:
        found.name = name
        _save_next(found)
    return found


def learner() -> Learner:
    """The learner; without a name until one is given."""
    return Learner.objects.filter(id=1).first() or Learner(id=1)


def _save_next(typed: Month | Learner) -> None:
    typed.version += 1
    typed.updated_at = timezone.now()
    typed.save()


@transaction.atomic
def open_hint(*, drill_key: str, hint_key: str) -> tuple[Hint, HintUse, bool]:
    """Log that a hint was opened; only the first time counts. Returns the hint, its entry, and whether that is new.

    Raises:
        Drill.DoesNotExist: There is no such drill.
        LookupError: The drill has no such hint.
    """
    drill = Drill.objects.get(key=drill_key)
    brief = brief_of(drill_key)
    hint = next((hint for hint in brief.hints if hint.key == hint_key), None) if brief else None
    if hint is None:
        raise LookupError(f"hint: got {hint_key!r}, expected the key of a hint of {drill_key}")
    use, created = HintUse.objects.get_or_create(
        drill=drill, hint=hint_key, defaults={"solution": hint.solution, "used_at": timezone.now()}
    )
    return hint, use, created


@transaction.atomic
def confirm(*, drill_key: str, mentor: str, run_id: str) -> tuple[Confirmation, bool]:
    """Record that a mentor's re-run of the learner's code held. Returns it and whether it is new.

    Raises:
        Drill.DoesNotExist: There is no such drill.
        NotConfirmed: The run is not in the index, is no run of the learner's code in this drill, did not hold, had too
            little load, was on a seed that the learner had used before, or of other code than what held last.
    """
    drill = Drill.objects.get(key=drill_key)
    run = Run.objects.filter(run_id=run_id).first()
    if run is None:
        raise NotConfirmed(f"run_id: got {run_id!r}, expected an indexed run (firedrill index)")
    if run.drill_id != drill_key or run.variant != rules.LEARNER_VARIANT:
        raise NotConfirmed(
            f"run_id: got a run of {run.variant} in drill {run.drill_id}, "
            f"expected one of {rules.LEARNER_VARIANT} in {drill_key}"
        )
    if run.verdict != Run.Verdict.HELD:
        raise NotConfirmed(f"run_id: got a run that is {run.verdict}, expected one that held")
    if not rules.enough_load(run.scale):
        raise NotConfirmed(
            f"run_id: got a run at scale {run.scale:g}, expected at least {rules.LEAST_SCALE:g}: "
            "below it a pass says nothing (measured with mutants)"
        )
    earlier = Run.objects.filter(
        scenario=run.scenario, variant=run.variant, seed=run.seed, started_at__lt=run.started_at
    )
    if earlier.exists():
        raise NotConfirmed(f"run_id: got seed {run.seed}, which the learner had run before, expected a fresh one")
    mine = Run.objects.filter(drill=drill, variant=run.variant, verdict=Run.Verdict.HELD).exclude(run_id=run_id)
    newest = mine.with_enough_load().first()
    # A run from before patches were kept can't be compared, whichever of the two it is.
    if newest and newest.code and run.code and newest.code != run.code:
        raise NotConfirmed(
            f"run_id: got a run of other code than the learner's newest held run {newest.run_id}, "
            "expected the same attempt.patch of the same base (firedrill deliver hands both over)"
        )
    return Confirmation.objects.get_or_create(
        drill=drill, run_id=run_id, defaults={"mentor": mentor, "seed": run.seed, "confirmed_at": timezone.now()}
    )


def with_evidence(drills: Iterable[Drill]) -> list[Drill]:
    """Give each drill the newest run of each variant and its standing, by a fixed number of queries for any number of
    runs."""
    by_key = {drill.key: drill for drill in drills}
    for drill in by_key.values():
        drill.latest_runs = []
    stamp = Run.objects.stamp()
    for run in Run.objects.filter(run_id__in=_latest_runs(stamp), drill__in=by_key).order_by("variant"):
        assert run.drill_id is not None
        run.drill = by_key[run.drill_id]
        run.drill.latest_runs.append(run)
    for facts in drill_facts(by_key.values(), stamp):
        by_key[facts.key].standing = rules.standing(facts)
    return list(by_key.values())


@functools.lru_cache(maxsize=1)
def _latest_runs(stamp: Stamp) -> tuple[str, ...]:
    """Ids of the newest run of each drill and variant, found once per state of the index (*stamp*).

    Mutants and drafts are left out: their runs are about the lab, not about a learner's work.
    """
    runs = Run.objects.filter(drill__isnull=False)
    for prefix in (rules.MUTANT_PREFIX, rules.DRAFT_PREFIX):
        runs = runs.exclude(variant__startswith=prefix)
    return tuple(runs.newest_of_each("drill_id", "variant").values_list("run_id", flat=True))


@transaction.atomic
def index_run(*, run_id: str, fields: Mapping[str, Any]) -> tuple[Run, bool]:
    """Put a run into the index or replace its entry. Returns it and whether it is new."""
    return Run.objects.update_or_create(run_id=run_id, defaults=fields)
