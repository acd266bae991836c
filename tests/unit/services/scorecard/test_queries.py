"""Queries per request: as many with ten thousand runs as with ten."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from services.scorecard import services
from services.scorecard.models import Run

AddRuns = Callable[..., None]

PAGES = [
    ("/api/drills/", 10),
    ("/api/drills/concurrency/", 10),
    ("/api/drills/concurrency/brief/", 2),
    ("/api/drills/concurrency/confirmations/", 2),
    ("/api/progress/", 10),
    ("/api/learner/", 1),
    ("/api/months/2026-11/", 1),
    ("/api/drill-map.md", 19),
    ("/api/drills/concurrency/score/", 1),
    ("/api/drills/concurrency/scores/", 3),
    ("/api/dimensions/", 1),
    ("/api/runs/?page_size=100", 2),
    ("/api/runs/?drill=3&variant=naive", 2),
    ("/api/runs/concurrency-00005/", 1),
    ("/health", 1),
]


def count(client: Client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@pytest.mark.parametrize(("url", "ceiling"), PAGES)
def test_queries_do_not_grow(reader: Client, url: str, ceiling: int, add_runs: AddRuns) -> None:
    add_runs(10)
    for version in range(3):
        services.record_score(drill_key="concurrency", value=version, notes="", version=version)
    few = count(reader, url)
    Run.objects.all().delete()
    add_runs(10_000, variants=("naive", "hardened", "attempt"))
    for version in range(3, 30):
        services.record_score(drill_key="concurrency", value=version % 4, notes="", version=version)
    assert count(reader, url) == few <= ceiling


def test_queries_of_an_export_do_not_grow(reader: Client, add_runs: AddRuns) -> None:
    add_runs(10, variants=("attempt",))
    few = count(reader, "/api/drill-map/")
    add_runs(1000, drill="auth", variants=("attempt",))
    assert count(reader, "/api/drill-map/") == few <= 8
