"""The reference contract, and what `hardened` says of itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaos.model.openapi import facts

ROOT = Path(__file__).parents[4]
CONTRACT = ROOT / "services/shop/contract.yaml"


def served(variant: str, folder: Path) -> tuple[dict[str, Any], str]:
    """The schema as `/api/schema/` answers it, and drf-spectacular's complaints. A variant has a process of its own."""
    secret = folder / "secret"
    secret.write_text("x" * 64)
    environment = {
        "PATH": os.environ["PATH"],
        "FIREDRILL_VARIANT": variant,
        "DJANGO_SETTINGS_MODULE": f"services.shop.{variant}.settings",
        "SHOP_POSTGRES_PASSWORD_FILE": str(secret),
        "SHOP_SECRET_KEY_FILE": str(secret),
    }
    command = [sys.executable, "-m", "django", "spectacular"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return yaml.safe_load(done.stdout), done.stderr


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(CONTRACT.read_text())
    return document


def test_hardened_serves_what_the_contract_says(contract: dict[str, Any], tmp_path: Path) -> None:
    document, complaints = served("hardened", tmp_path)
    assert complaints == ""
    expected, found = facts(contract), facts(document)
    places = sorted(expected.keys() | found.keys())
    unlike = [f"{p}: {expected.get(p)!r}, served {found.get(p)!r}" for p in places if expected.get(p) != found.get(p)]
    assert unlike == []


def test_naive_does_not(contract: dict[str, Any], tmp_path: Path) -> None:
    document, _ = served("naive", tmp_path)
    assert facts(document) != facts(contract)


def test_the_contract_is_written_for_people_too(contract: dict[str, Any]) -> None:
    operations = [item[method] for item in contract["paths"].values() for method in item]
    assert len(operations) == 14
    assert [o["operationId"] for o in operations if not o.get("summary")] == []
    assert len({o["operationId"] for o in operations}) == 14


def test_every_refusal_is_a_problem(contract: dict[str, Any]) -> None:
    refusals = {place for place in facts(contract) if re.search(r" · [45]\d\d · body ", place)}
    assert refusals
    assert [place for place in refusals if " · body application/problem+json" not in place] == []
