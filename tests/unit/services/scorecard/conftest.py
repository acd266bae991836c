"""A database with the drills in it, and a client that may write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from services.scorecard.catalogue import load_catalogue, read_catalogue
from services.scorecard.models import Drill, Run

TOKEN = "the lab's token"
STARTED_AT = datetime(2026, 11, 23, 10, 15, 2, tzinfo=UTC)


@pytest.fixture
def drills(db: None) -> None:
    load_catalogue(read_catalogue())


@pytest.fixture
def reader(drills: None) -> Client:
    """A client without a token."""
    return Client()


@pytest.fixture
def writer(drills: None, settings: Settings) -> Client:
    """A client with the token."""
    settings.SCORECARD_TOKEN = TOKEN
    return Client(headers={"Authorization": f"Token {TOKEN}"})


@pytest.fixture
def run_body() -> dict[str, Any]:
    """A run as `firedrill index` sends it."""
    return {
        "run_id": "20261123-101502-flash-sale-naive-s7",
        "scenario": "concurrency/flash-sale",
        "title": "Flash sale",
        "drill": 3,
        "variant": "naive",
        "seed": 7,
        "scale": 0.8,
        "verdict": "violated",
        "started_at": "2026-11-23T10:15:02Z",
        "duration_s": 41.5,
        "findings": [{"check": "no_oversell", "kind": "invariant", "verdict": "violated", "examples": ["a", "b"]}],
        "proves": None,
        "code": "0123456789abcdef" * 4,
        "evidence_path": "evidence/20261123-101502-flash-sale-naive-s7",
        "exit_code": 1,
    }


@pytest.fixture
def add_runs(drills: None) -> Callable[..., None]:
    """A function that indexes *count* runs, a minute apart, taking turns among *variants*."""
    return _add_runs


def _add_runs(count: int, *, drill: str = "concurrency", variants: tuple[str, ...] = ("naive", "hardened")) -> None:
    Run.objects.bulk_create(
        Run(
            run_id=f"{drill}-{number:05}",
            scenario="concurrency/flash-sale",
            title="Flash sale",
            drill=Drill(key=drill),
            variant=variants[number % len(variants)],
            seed=number,
            verdict=Run.Verdict.HELD,
            started_at=STARTED_AT + timedelta(minutes=number),
            duration_s=40.0,
            findings=[{"check": "no_oversell", "verdict": "held"}],
            exit_code=0,
        )
        for number in range(count)
    )
