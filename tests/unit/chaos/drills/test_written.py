"""Which runs take what the learner wrote into their evidence, and what is refused before they begin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from chaos.drills import review as reviews
from chaos.drills.contract_audit import audited
from chaos.drills.written import Written, grades, packed, written_for
from chaos.errors import InvalidInput
from chaos.evidence.written import MOST_WRITTEN_BYTES, read_audit, read_review
from chaos.load import all_scenarios, load_scenario, scenario_name
from chaos.load.contract import reference
from chaos.model.folder import File
from chaos.model.verdict import Finding, FindingKind, Verdict
from chaos.scenario import Scenario
from tests.unit.chaos.drills.test_check_review import SEED, shop, told
from tests.unit.chaos.drills.test_contract_audit import shop as audit_shop

__all__ = ["audit_shop", "shop"]
SCENARIOS = {scenario_name(path): path for path in all_scenarios()}


def scenario(name: str) -> Scenario:
    return load_scenario(SCENARIOS[name])


def written(name: str, shop: Path, variant: str = "attempt") -> Written | None:
    return written_for(scenario(name), variant, lambda _: reference(), shop)


def put(one: Written, folder: Path) -> Path:
    (folder / one.file).write_bytes(one.content)
    return folder / one.file


@pytest.mark.parametrize("name", ["review/notes", "review/closer-reading"])
def test_notes_and_key_as_they_stand(shop: Path, name: str) -> None:
    told(shop, share=0.5)
    kept = written(name, shop)
    assert kept is not None
    assert (kept.file, kept.seed) == (File.REVIEW, SEED)
    found = read_review(put(kept, shop))
    assert (found.seed, found.revealed) == (SEED, "")
    assert list(found.notes) == reviews.load(shop).notes
    assert len(found.key) > len(found.notes) > 0


def test_code_alone_asks_for_no_notes(shop: Path) -> None:
    assert written("review/exploits", shop) is None
    assert written("queries/reads", shop, "hardened") is None


def test_nobody_else_has_notes(shop: Path) -> None:
    with pytest.raises(InvalidInput, match="review/notes: got variant draft_6_3, expected your attempt"):
        written("review/notes", shop, "draft_6_3")


def test_notes_that_can_t_be_read_are_refused(shop: Path) -> None:
    (shop / "attempt" / "review" / "notes.yaml").write_text("- {file: views.py, line: 900, cwe: CWE-20}\n")
    with pytest.raises(InvalidInput, match="got no severity, why"):
        written("review/notes", shop)


@pytest.mark.parametrize("name", ["contract/audit", "contract/closer-audit"])
def test_list_and_contract_as_they_stand(audit_shop: Path, name: str) -> None:
    kept = written(name, audit_shop)
    assert kept is not None
    assert (kept.file, kept.seed) == (File.AUDIT, 4)
    found = read_audit(put(kept, audit_shop))
    assert ([one.where for one in found.rows], found.revealed) == (["response id", "response reference"], "")
    assert written(name, audit_shop) == kept


def test_nobody_else_has_a_list() -> None:
    with pytest.raises(InvalidInput, match="expected your attempt: it grades your list and contract"):
        written("contract/audit", Path(), "naive")


def test_more_than_can_be_read_back_is_refused(audit_shop: Path) -> None:
    audit = audited("attempt", lambda _: reference(), audit_shop)
    long = msgspec.structs.replace(audit, own={"a": "x" * MOST_WRITTEN_BYTES})
    with pytest.raises(InvalidInput, match=rf"bytes to be graded, expected at most {MOST_WRITTEN_BYTES}"):
        packed(long)


def test_what_was_graded_is_told_and_nothing_else() -> None:
    """A mentor reads recall and precision beside the verdict, without opening the run."""
    one = Finding(
        check="no_oversell", kind=FindingKind.INVARIANT, verdict=Verdict.HELD, expected="e", measured="5 of 5"
    )
    its = replace(one, check="discrepancies_are_told", measured="recall 0.82, precision 0.90")
    assert grades([one]) == ""
    assert grades([one, its]) == " – recall 0.82, precision 0.90"
