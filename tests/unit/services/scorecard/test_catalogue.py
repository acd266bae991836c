"""The drills as data: the seed's mapping, loaded as often as you like."""

from __future__ import annotations

import msgspec
import pytest

from services.scorecard import services
from services.scorecard.catalogue import load_catalogue, read_catalogue
from services.scorecard.models import Dimension, Drill, Score

# The seed's table, "Operational Mastery" there being "Operational & Deployment Mastery", and Performance an axis.
MAPPING = {
    "api-contract": {"Backend Systems", "Integration & Data Flow"},
    "orm-queries": {"Backend Systems", "Performance", "Integration & Data Flow"},
    "concurrency": {"Backend Systems", "Operational & Deployment Mastery"},
    "auth": {"Security & Zero Trust", "Backend Systems"},
    "system-failure": {"Failure & Incident Management", "Operational & Deployment Mastery"},
    "ai-review": {"AI Orchestration & Oversight", "Backend Systems"},
}


def test_the_mapping_of_the_seed(drills: None) -> None:
    mapping = {drill.key: {dimension.name for dimension in drill.dimensions.all()} for drill in Drill.objects.all()}
    assert mapping == MAPPING
    assert [drill.number for drill in Drill.objects.all()] == [1, 2, 3, 4, 5, 6]
    assert list(Drill.objects.values_list("key", flat=True)) == list(MAPPING)


def test_every_axis_has_a_drill(drills: None) -> None:
    assert Dimension.objects.count() == 7
    assert not Dimension.objects.filter(drills__isnull=True).exists()


def test_races_have_to_stay_away_three_times(drills: None) -> None:
    holds = dict(Drill.objects.values_list("key", "holds"))
    assert holds == {**dict.fromkeys(MAPPING, 1), "concurrency": 3}


def test_loading_again_keeps_what_a_person_made(drills: None) -> None:
    services.record_score(drill_key="auth", value=2, notes="rotation, families", version=0)
    load_catalogue(read_catalogue())
    score = Score.objects.get(drill_id="auth")
    assert (score.value, score.notes, score.version) == (2, "rotation, families", 1)
    assert Drill.objects.count() == 6


def test_a_changed_file_changes_the_table_by_key(drills: None) -> None:
    catalogue = read_catalogue()
    first = msgspec.structs.replace(catalogue.drills[0], title="Audit of a contract", dimensions=["security"])
    load_catalogue(msgspec.structs.replace(catalogue, drills=[first]))
    drill = Drill.objects.get(key="api-contract")
    assert drill.title == "Audit of a contract"
    assert [dimension.key for dimension in drill.dimensions.all()] == ["security"]
    assert Drill.objects.count() == 6  # scores hang on the other five


def test_an_unknown_dimension_changes_nothing(drills: None) -> None:
    catalogue = read_catalogue()
    wrong = msgspec.structs.replace(catalogue.drills[0], title="Never seen", dimensions=["securty"])
    with pytest.raises(KeyError, match="securty"):
        load_catalogue(msgspec.structs.replace(catalogue, drills=[wrong]))
    assert Drill.objects.get(key="api-contract").title != "Never seen"
