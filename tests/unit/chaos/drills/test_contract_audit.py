"""What a learner writes in drill 1, as a run takes it along with the key of its draft."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from chaos.drills import contract_audit
from chaos.drills.contract_audit import FOLDER, LIST, OWN, audited, read
from chaos.drills.drafts import Draft, Key, Planted
from chaos.drills.revealed import remember
from chaos.errors import InvalidInput, LabBroken
from chaos.load.contract import FILE, reference

HEAD = "| operation | where | kind | promised | served | code |\n|---|---|---|---|---|---|\n"
DRAFT = Draft(drill=1, seed=4)
FLAW = Planted(
    name="id_text", title="", slot="id", flaw="", caught_by="answers_conform", why="", places=(),
    operations=("GET /api/orders/{id}/",), where="response id", family="type", in_naive=False,
)  # fmt: skip


def row(field: str, kind: str = "type", operation: str = "GET /api/orders/{id}/") -> str:
    return f"| {operation} | response {field} | {kind} | a number | text | serializers.py:1 |\n"


def attempt(folder: Path, rows: Sequence[str], contract: str | None = None) -> Path:
    (folder / FOLDER).mkdir(exist_ok=True, parents=True)
    (folder / FOLDER / LIST).write_text(HEAD + "".join(rows))
    (folder / FOLDER / OWN).write_text(FILE.read_text() if contract is None else contract)
    return folder


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With an attempt from the draft of seed 4, in a lab of its own."""
    monkeypatch.setenv("FIREDRILL_LAB_DIR", str(tmp_path / "lab"))
    attempt(tmp_path / "shop" / "attempt", [row("id"), row("reference")])
    (tmp_path / "shop" / "attempt" / ".base").write_text(f"{DRAFT.variant}\n")
    monkeypatch.setattr(
        contract_audit, "made", lambda draft: Key(drill=1, seed=4, variant=draft.variant, digest="", key=(FLAW,))
    )
    return tmp_path / "shop"


def test_list_contract_key_and_what_the_draft_serves(shop: Path) -> None:
    asked: list[str] = []

    def serve(variant: str) -> dict[str, Any]:
        asked.append(variant)
        return reference()

    found = audited("attempt", serve, shop)
    assert (asked, found.seed, found.revealed) == (["draft_1_4"], 4, "")
    assert ([one.where for one in found.rows], [one.name for one in found.known]) == (
        ["response id", "response reference"], ["id_text"],
    )  # fmt: skip
    assert found.own == found.served
    assert len(found.own) > 500


def test_a_key_that_was_told_is_on_record_also_for_a_new_attempt(shop: Path) -> None:
    remember(DRAFT)
    found = audited("attempt", lambda _: reference(), shop)
    assert found.revealed.startswith("20")
    (shop / "attempt" / ".base").write_text("draft_1_5\n")
    assert audited("attempt", lambda _: reference(), shop).revealed == ""


def test_an_attempt_of_another_drill_is_refused(shop: Path) -> None:
    (shop / "attempt" / ".base").write_text("draft_2_4\n")
    with pytest.raises(InvalidInput, match="got one that was made from draft_2_4, expected one from a"):
        audited("attempt", lambda _: reference(), shop)


def test_a_draft_whose_schema_can_not_be_read(shop: Path) -> None:
    with pytest.raises(InvalidInput, match="the schema of draft_1_4: openapi: got None"):
        audited("attempt", lambda _: {}, shop)


def test_what_is_wrong_with_either_is_told_at_once(tmp_path: Path) -> None:
    folder = attempt(tmp_path, [row("id", "odd")], "swagger: '2.0'\npaths: {}\n")
    with pytest.raises(InvalidInput) as caught:
        read(folder)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [LIST, OWN]


def test_files_that_are_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="expected a file of yours"):
        read(tmp_path)
    attempt(tmp_path, [row("id")])
    (tmp_path / FOLDER / OWN).write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match="expected text"):
        read(tmp_path)
    (tmp_path / FOLDER / OWN).write_bytes(b"a" * 5_000_000)
    with pytest.raises(InvalidInput, match="got 5000000 bytes"):
        read(tmp_path)


def test_nobody_guesses_what_was_told(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "lab" / "keep").mkdir(parents=True)
    (tmp_path / "lab" / "keep" / "revealed.json").write_text("[")
    with pytest.raises(LabBroken, match=r"revealed.json: got .*, expected it as the lab wrote it"):
        audited("attempt", lambda _: reference(), shop)
