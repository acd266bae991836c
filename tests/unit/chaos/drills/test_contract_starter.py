"""What a learner of drill 1 begins with: a brief that says all, and templates that can be read once filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import chaos.drills
from chaos.drills import discrepancies, own_contract
from chaos.errors import InvalidInput
from chaos.model import contract_facts
from chaos.model.deviation import FAMILIES
from chaos.model.openapi import METHODS, facts
from tests.unit.services.shop.test_contract import CONTRACT

STARTER = Path(chaos.drills.__file__).parent / "starter/drill_1/contract"
BRIEF = (STARTER / "BRIEF.md").read_text()
REFERENCE: dict[str, Any] = yaml.safe_load(CONTRACT.read_text())
OPERATIONS = [f"{m.upper()} {path}" for path, item in REFERENCE["paths"].items() for m in METHODS if m in item]


def names(node: Any) -> Iterator[str]:
    """Of all properties."""
    if isinstance(node, dict):
        yield from node.get("properties", {})
        for value in node.values():
            yield from names(value)
    elif isinstance(node, list):
        for value in node:
            yield from names(value)


def test_the_brief_names_every_operation() -> None:
    assert [one for one in OPERATIONS if f"`{one}`" not in BRIEF] == []


def test_the_brief_names_every_field_header_and_parameter() -> None:
    found = facts(REFERENCE)
    asked = {
        re.sub(r".* (?:header|query) ([\w-]+) · .*", r"\1", at) for at in found if re.search(r" (header|query) ", at)
    }
    wanted = {*names(REFERENCE), *asked}
    assert [one for one in sorted(wanted) if f"`{one}".lower() not in BRIEF.lower()] == []


def test_the_brief_names_every_status_word_and_limit() -> None:
    found = facts(REFERENCE)
    statuses = {match[1] for at in found if (match := re.search(r" · (\d\d\d)$", at))}
    words = {
        word for at, value in found.items() if at.endswith(" · enum") and isinstance(value, list) for word in value
    }
    limits = {str(value) for at, value in found.items() if at.endswith(("imum", "Length")) and value not in {0, 1}}
    missing = [one for one in sorted(statuses | words | limits) if not re.search(rf"\b{one}\b", BRIEF)]
    assert missing == []


def test_the_brief_says_the_families_of_nothing_else() -> None:
    """It is prose, without a table of types or words of the schema language."""
    assert not re.search(r"additionalProperties|maxLength|nullable|\$ref|required:", BRIEF)


def test_an_empty_list_is_told() -> None:
    with pytest.raises(InvalidInput, match="got a table without rows"):
        discrepancies.read((STARTER / "discrepancies.md").read_text(), "discrepancies.md", operations=OPERATIONS)


def test_a_filled_in_list_is_read() -> None:
    text = (STARTER / "discrepancies.md").read_text() + "| * | status 503/500 | status | 503 | 500 | errors.py:1 |\n"
    assert len(discrepancies.read(text, "discrepancies.md", operations=OPERATIONS)) == 1


def test_the_list_explains_every_kind() -> None:
    text = (STARTER / "discrepancies.md").read_text()
    assert [kind for kind in FAMILIES if not re.search(rf"^(kind)?\s+{kind}\s", text, re.MULTILINE)] == []


def test_the_template_of_the_contract_can_be_read_and_is_worth_nothing() -> None:
    own = own_contract.read((STARTER / "openapi.yaml").read_text(), "openapi.yaml")
    reference = own_contract.read(CONTRACT.read_text(), "contract.yaml")
    assert contract_facts.grade(own, reference, reference).recall < 0.01
