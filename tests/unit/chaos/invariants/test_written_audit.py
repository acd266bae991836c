"""A list and a contract of drill 1 against their limits, as a run has them on record; and what cheating is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
import yaml

from chaos.drills import own_contract
from chaos.drills.contract_audit import key
from chaos.drills.discrepancies import read
from chaos.drills.drafts import Planted
from chaos.drills.written import packed
from chaos.invariants import KINDS, Context
from chaos.load.contract import FILE, reference
from chaos.model.audit import Audited
from chaos.model.conform import Contract
from chaos.model.contract_facts import promised
from chaos.model.deviation import FAMILIES
from chaos.model.evidence import EndState
from chaos.model.verdict import Finding, Verdict

HEAD = "| operation | where | kind | promised | served | code |\n|---|---|---|---|---|---|\n"
FIELDS = ("id", "quantity", "amount_cents", "status", "created_at", "tickets", "tier", "reference", "event", "customer")
HELD, VIOLATED, INCONCLUSIVE = Verdict.HELD, Verdict.VIOLATED, Verdict.INCONCLUSIVE
REFERENCE = FILE.read_text()


def planted(field: str, *, in_naive: bool) -> Planted:
    return Planted(
        name=f"{field}_text", title=f"{field} is text", slot=field, flaw="", caught_by="answers_conform", why="",
        places=(), operations=("GET /api/orders/{id}/",), where=f"response {field}", family="type", in_naive=in_naive,
    )  # fmt: skip


KEY = tuple(key([planted(field, in_naive=number >= 6) for number, field in enumerate(FIELDS)]))


def row(field: str, kind: str = "type", operation: str = "GET /api/orders/{id}/") -> str:
    return f"| {operation} | response {field} | {kind} | a number | text | serializers.py:1 |\n"


def served() -> str:
    """A draft's schema: not right in what an order's amount is."""
    document = reference()
    document["components"]["schemas"]["Order"]["properties"]["amount_cents"] = {"type": "string"}
    return yaml.safe_dump(document)


def audited(rows: Sequence[str], contract: str = REFERENCE, *, revealed: str = "") -> Audited:
    return Audited(
        seed=4,
        revealed=revealed,
        rows=tuple(read(HEAD + "".join(rows), "list.md", operations=Contract(reference()).operations)),
        known=KEY,
        own=own_contract.read(contract, "own"),
        served=own_contract.read(served(), "served"),
    )


def judged(name: str, audit: Audited | None, **params: str) -> Finding:
    kind = KINDS[name]
    kept = None if audit is None else msgspec.json.decode(msgspec.json.encode(audit), type=Audited)
    context = Context(
        state=EndState(), t0_unix_s=1.0, phases=(), history_complete=True, audit=kept, contract=Contract(reference())
    )
    return kind.reducer(kind.params(**params)).finish(context)


def verdicts(audit: Audited, part: str) -> list[Verdict]:
    return [judged(name, audit, part=part).verdict for name in ("discrepancies_are_told", "own_contract_is_right")]


@pytest.mark.parametrize(
    ("told", "core", "stretch"),
    [(10, HELD, HELD), (9, HELD, VIOLATED), (7, VIOLATED, VIOLATED), (6, VIOLATED, VIOLATED)],
)
def test_how_much_has_to_be_told(told: int, core: Verdict, stretch: Verdict) -> None:
    """Nine of ten is 0.9, of the planted only 5 of 6; seven leave out three of the planted six."""
    audit = audited([row(field) for field in FIELDS[10 - told :]])
    assert verdicts(audit, "core") == [core, HELD]
    assert verdicts(audit, "stretch") == [stretch, HELD]


def test_naming_everything_does_not_pass() -> None:
    every = [row(field, kind) for field in FIELDS for kind in FAMILIES]
    assert verdicts(audited(every), "core") == [VIOLATED, HELD]


def test_copying_the_served_schema_does_not_pass() -> None:
    assert verdicts(audited([row(field) for field in FIELDS], served()), "core") == [HELD, VIOLATED]


def test_empty_schemas_do_not_pass() -> None:
    document = reference()
    document["components"]["schemas"] = {name: {} for name in document["components"]["schemas"]}
    assert verdicts(audited([row(field) for field in FIELDS], yaml.safe_dump(document)), "core") == [HELD, VIOLATED]


def test_once_the_key_was_shown_nothing_counts() -> None:
    audit = audited([row(field) for field in FIELDS], revealed="2026-11-28T10:00:00+00:00")
    for name in ("discrepancies_are_told", "own_contract_is_right"):
        found = judged(name, audit)
        assert found.verdict is INCONCLUSIVE
        assert found.reason == "the key was shown on 2026-11-28, so the draft of seed 4 counts no more"


def test_without_a_record_nothing_is_decided() -> None:
    assert judged("discrepancies_are_told", None).verdict is INCONCLUSIVE
    assert judged("own_contract_is_right", None).verdict is INCONCLUSIVE


def test_it_says_how_many_and_never_which() -> None:
    audit = audited([row("id"), row("reference", "enum", "GET /api/me/")])
    found = judged("discrepancies_are_told", audit)
    assert found.reason == (
        "recall 0.10, 0.17 of what was planted, precision 0.50 (asked ≥ 0.7 each): "
        "1 told, 9 missed, 1 rows wrong, 0 repeated"
    )
    assert not [one.title for one in KEY if one.title in str(found) or one.name in str(found)]
    contract = judged("own_contract_is_right", audited([row("id")], served()))
    assert "amount_cents" not in str(contract)


def test_facts_of_the_reference_are_the_same_however_they_are_read() -> None:
    """The judge reads it from JSON, the learner's and the draft's come from YAML."""
    assert promised(reference()) == own_contract.read(REFERENCE, "contract.yaml")


def test_the_same_audit_is_the_same_bytes() -> None:
    rows: list[Any] = [row(field) for field in FIELDS]
    assert packed(audited(rows)) == packed(audited(rows))
