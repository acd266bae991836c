"""Drill 1's bank as data: enough of it, each flaw with a place that can be graded, and keys that an expert can tell."""

from __future__ import annotations

import re
from collections import Counter

import pytest
import yaml

from chaos.drills.contract_audit import key
from chaos.drills.discrepancies import read
from chaos.drills.drafts import Planted
from chaos.model.audit import Known, Row, grade
from chaos.model.conform import Contract
from chaos.model.deviation import FAMILIES, places
from services.stack.bank import Flaw, anyway, planted
from services.stack.drafts import composed
from tests.unit.services.shop.test_contract import CONTRACT

CHECKOUT = CONTRACT.parents[2]
OPERATIONS = Contract(yaml.safe_load(CONTRACT.read_text())).operations
BANK, OWN = planted(1), anyway(1)
HEAD = "| operation | where | kind | promised | served | code |\n|---|---|---|---|---|---|\n"
CHECKS = {
    "answers_conform",
    "refuses_what_it_should",
    "writes_only_what_is_promised",
    "schema_matches_contract",
    "conforms_in_an_outage",
}


def told(flaws: list[Flaw]) -> list[Row]:
    """The list of somebody who names just *flaws*, in the words of their headers."""
    lines = (
        f"| {', '.join(flaw.operations)} | {flaw.header['where'].partition(' | ')[0]} |"
        f" {flaw.header['family'].partition(', ')[0]} | a | b | |\n"
        for flaw in flaws
    )
    return read(HEAD + "".join(lines), "list.md", operations=OPERATIONS)


def rows(flaws: list[Flaw]) -> list[Known]:
    """The key with just *flaws*."""
    return key(
        [
            Planted(
                name=flaw.name,
                title=flaw.header["title"],
                slot=flaw.slot,
                flaw=flaw.header["flaw"],
                caught_by=flaw.header["caught by"],
                operations=flaw.operations,
                where=flaw.header["where"],
                family=flaw.header["family"],
                places=(),
                in_naive=not flaw.diffs,
                why=flaw.why,
            )
            for flaw in flaws
        ]
    )


def test_there_is_enough_to_choose_from() -> None:
    slots = Counter(flaw.slot for flaw in BANK)
    assert len(BANK) >= 30
    assert len(slots) >= 9
    assert min(slots.values()) >= 3


@pytest.mark.parametrize("flaw", [*BANK, *OWN], ids=lambda flaw: flaw.name)
def test_a_flaw_can_be_graded(flaw: Flaw) -> None:
    assert [one for one in flaw.operations if one not in OPERATIONS] == []
    assert set(flaw.header["family"].split(", ")) <= set(FAMILIES)
    assert places(flaw.header["where"])
    assert flaw.header["caught by"] in CHECKS
    assert flaw.why


@pytest.mark.parametrize("flaw", [*BANK, *OWN], ids=lambda flaw: flaw.name)
def test_a_wrong_status_names_the_check_that_reports_it(flaw: Flaw) -> None:
    """`answers_conform` leaves the status of what had to be refused to the other two."""
    promised = re.search(r"\bstatus (\d{3})/\d{3}", flaw.header["where"])
    if promised:
        refused = int(promised[1]) >= 400
        assert refused == (flaw.header["caught by"] in {"refuses_what_it_should", "conforms_in_an_outage"})


def test_every_kind_of_the_drill_is_in_the_bank() -> None:
    assert {family for flaw in (*BANK, *OWN) for family in flaw.header["family"].split(", ")} == set(FAMILIES)


@pytest.mark.parametrize("seed", range(10))
def test_a_draft_is_told_by_an_expert_and_not_by_heart(seed: int) -> None:
    _, flaws = composed(1, seed)
    known = rows([*flaws, *OWN])
    expert = grade(told([*flaws, *OWN]), known)
    assert (expert.recall, expert.planted_recall, expert.precision) == (1, 1, 1), (expert.missed, expert.wrong)
    assert not grade(told(OWN), known).reaches(0.7, 0.7)
    whole_bank = grade(told([*BANK, *OWN]), known)
    assert whole_bank.recall == 1
    assert whole_bank.precision < 0.7


def test_no_flaw_is_in_most_drafts() -> None:
    seen = Counter(flaw.name for seed in range(30) for flaw in composed(1, seed)[1])
    assert max(seen.values()) <= 15, seen.most_common(3)
    assert len(seen) > 0.9 * len(BANK)


def test_each_planted_flaw_is_measured() -> None:
    """`firedrill selftest --mutants` runs each alone under the scenario that has its check."""
    scenario = yaml.safe_load((CHECKOUT / "scenarios" / "contract" / "promises.yaml").read_text())
    assert sorted(scenario["proves"]["mutants"]) == [flaw.name for flaw in BANK]
    checks = {check["invariant"] for check in scenario["checks"]}
    for flaw in BANK:
        assert (flaw.header["scenario"], flaw.header["caught by"] in checks) == ("contract/promises", True), flaw.name
