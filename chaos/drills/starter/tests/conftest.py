"""Fixtures of your own tests. They run against the live API: `firedrill check` (of drills 1 and 4) sets the stage.

Your tests have to be green on your attempt, and at least one of them red on what it was made from: a test that no code
can fail says nothing.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest


@pytest.fixture(scope="session")
def world() -> Any:
    """The seeded world: `customers` with `username` and `access` token, `tiers`, `events`, the common `password`."""
    return json.loads(Path(os.environ["SHOP_WORLD"]).read_text())


@pytest.fixture
def api() -> Iterator[httpx.Client]:
    """The API, asked by nobody in particular."""
    with httpx.Client(base_url=os.environ["SHOP_URL"], timeout=10, trust_env=False) as client:
        yield client


@pytest.fixture
def as_customer(world: Any) -> Iterator[httpx.Client]:
    """The API, asked by the first customer."""
    token = world["customers"][0]["access"]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=os.environ["SHOP_URL"], headers=headers, timeout=10, trust_env=False) as client:
        yield client
