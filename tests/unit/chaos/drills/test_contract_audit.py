"""What a list and a contract of drill 1 are worth by core and by stretch, and what cheating is worth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaos.drills import audit, contract_audit
from chaos.drills.contract_audit import FOLDER, LIST, OWN, graded, read
from chaos.drills.drafts import Planted
from chaos.errors import InvalidInput
from chaos.load.contract import FILE, reference
from chaos.model.deviation import FAMILIES
from chaos.model.verdict import Verdict

HEAD = "| operation | where | kind | promised | served | code |\n|---|---|---|---|---|---|\n"
FIELDS = ("id", "quantity", "amount_cents", "status", "created_at", "tickets", "tier", "reference", "event", "customer")


def planted(field: str, *, in_naive: bool) -> Planted:
    return Planted(
        name=f"{field}_text", title="", slot=field, flaw="", caught_by="answers_conform", why="", places=(),
        operations=("GET /api/orders/{id}/",), where=f"response {field}", family="type", in_naive=in_naive,
    )  # fmt: skip


KEY = audit.key([planted(field, in_naive=number >= 6) for number, field in enumerate(FIELDS)])


def row(field: str, kind: str = "type", operation: str = "GET /api/orders/{id}/") -> str:
    return f"| {operation} | response {field} | {kind} | a number | text | serializers.py:1 |\n"


def served() -> dict[str, Any]:
    """A draft's schema: not right in what an order's amount is."""
    document = reference()
    document["components"]["schemas"]["Order"]["properties"]["amount_cents"] = {"type": "string"}
    return document


def attempt(folder: Path, rows: Sequence[str], contract: str | None = None) -> Path:
    (folder / FOLDER).mkdir(exist_ok=True)
    (folder / FOLDER / LIST).write_text(HEAD + "".join(rows))
    (folder / FOLDER / OWN).write_text(FILE.read_text() if contract is None else contract)
    return folder


def verdicts(folder: Path, part: Any) -> list[Verdict]:
    return [one.verdict for one in graded(read(folder), key=KEY, served=served()).passed(part)]


HELD, VIOLATED = Verdict.HELD, Verdict.VIOLATED


@pytest.mark.parametrize(
    ("told", "core", "stretch"),
    [(10, HELD, HELD), (9, HELD, VIOLATED), (7, VIOLATED, VIOLATED), (6, VIOLATED, VIOLATED)],
)
def test_how_much_has_to_be_told(tmp_path: Path, told: int, core: Verdict, stretch: Verdict) -> None:
    """Nine of ten is 0.9, of the planted only 5 of 6; seven leave out three of the planted six."""
    folder = attempt(tmp_path, [row(field) for field in FIELDS[10 - told :]])
    assert verdicts(folder, "core") == [core, HELD]
    assert verdicts(folder, "stretch") == [stretch, HELD]


def test_naming_everything_does_not_pass(tmp_path: Path) -> None:
    every = [row(field, kind) for field in FIELDS for kind in FAMILIES]
    assert verdicts(attempt(tmp_path, every), "core") == [VIOLATED, HELD]


def test_copying_the_served_schema_does_not_pass(tmp_path: Path) -> None:
    folder = attempt(tmp_path, [row(field) for field in FIELDS], yaml.safe_dump(served()))
    assert verdicts(folder, "core") == [HELD, VIOLATED]


def test_the_reason_says_how_many_and_never_which(tmp_path: Path) -> None:
    folder = attempt(tmp_path, [row("id"), row("reference", "enum", "GET /api/me/")])
    found, _ = graded(read(folder), key=KEY, served=served()).passed("core")
    assert found.reason == (
        "recall 0.10, 0.17 of what was planted; precision 0.50; at least 0.7 each "
        "(1 told, 9 missed, 1 rows wrong, 0 repeated)"
    )


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
        contract_audit.read(tmp_path)
