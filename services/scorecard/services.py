"""What can be done to the scorecard. The API and the admin are two ways to call these functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.scorecard.models import Drill, Run, Score, ScoreChange


class StaleVersion(Exception):
    """The score has changed since the caller saw it.

    Attributes:
        current: The score as it is now.
    """

    def __init__(self, *, seen: int, current: Score) -> None:
        super().__init__(
            f"version: got {seen}, expected {current.version}: the score was changed meanwhile; load it again"
        )
        self.current = current


@transaction.atomic
def record_score(*, drill_key: str, value: int | None, notes: str, version: int) -> Score:
    """Replace the score of a drill and keep the change as history; saving what is there already changes nothing.

    Args:
        version: The one that the caller saw.

    Raises:
        Score.DoesNotExist: There is no such drill.
        StaleVersion: Somebody else was faster.
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


def with_latest_runs(drills: Iterable[Drill]) -> list[Drill]:
    """Give each drill the newest run of each variant: one query, however many runs there are."""
    by_key = {drill.key: drill for drill in drills}
    for drill in by_key.values():
        drill.latest_runs = []
    for run in Run.objects.filter(drill__in=by_key).latest_per_variant():
        assert run.drill_id is not None
        run.drill = by_key[run.drill_id]
        run.drill.latest_runs.append(run)
    return list(by_key.values())


@transaction.atomic
def index_run(*, run_id: str, fields: Mapping[str, Any]) -> tuple[Run, bool]:
    """Put a run into the index or replace its entry. Returns it and whether it is new."""
    return Run.objects.update_or_create(run_id=run_id, defaults=fields)
