"""Which runs take the learner's notes into their evidence, and what is refused before they begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.drills import review as reviews
from chaos.drills.reviewed import reviewed_for
from chaos.errors import InvalidInput
from chaos.load import all_scenarios, load_scenario, scenario_name
from chaos.scenario import Scenario
from tests.unit.chaos.drills.test_check_review import SEED, shop, told

__all__ = ["shop"]
SCENARIOS = {scenario_name(path): path for path in all_scenarios()}


def scenario(name: str) -> Scenario:
    return load_scenario(SCENARIOS[name])


@pytest.mark.parametrize("name", ["review/notes", "review/closer-reading"])
def test_notes_and_key_as_they_stand(shop: Path, name: str) -> None:
    told(shop, share=0.5)
    found = reviewed_for(scenario(name), "attempt", shop)
    assert found is not None
    assert (found.seed, found.revealed) == (SEED, "")
    assert list(found.notes) == reviews.load(shop).notes
    assert len(found.key) > len(found.notes) > 0


def test_code_alone_asks_for_no_notes(shop: Path) -> None:
    assert reviewed_for(scenario("review/exploits"), "attempt", shop) is None
    assert reviewed_for(scenario("queries/reads"), "hardened", shop) is None


def test_nobody_else_has_notes(shop: Path) -> None:
    with pytest.raises(InvalidInput, match="review/notes: got variant draft_6_3, expected your attempt"):
        reviewed_for(scenario("review/notes"), "draft_6_3", shop)


def test_notes_that_can_t_be_read_are_refused(shop: Path) -> None:
    (shop / "attempt" / "review" / "notes.yaml").write_text("- {file: views.py, line: 900, cwe: CWE-20}\n")
    with pytest.raises(InvalidInput, match="got no severity, why"):
        reviewed_for(scenario("review/notes"), "attempt", shop)
