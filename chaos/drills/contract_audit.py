"""What the learner writes in drill 1: the list of discrepancies, and the contract."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import yaml

from chaos.adapters.http import why
from chaos.drills import discrepancies, own_contract
from chaos.drills.attempt import SHOP
from chaos.drills.drafts import Planted, any_drill, made, own_draft
from chaos.drills.given import read_given
from chaos.drills.revealed import revealed
from chaos.errors import InvalidInput, LabBroken
from chaos.load.contract import reference
from chaos.model.audit import Audited, Known, Row
from chaos.model.conform import Contract
from chaos.model.deviation import normal, places

KEY: Final = "api-contract"
FOLDER: Final = "contract"
"""In the attempt: what the learner writes."""
LIST: Final = "discrepancies.md"
OWN: Final = "openapi.yaml"
PATIENCE_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What the learner wrote, read."""

    rows: Sequence[Row]
    contract: Mapping[str, object]


def read_rows(attempt: Path) -> list[Row]:
    """The learner's list. Raises: InvalidInput with all that is wrong with it."""
    return discrepancies.read(_text(attempt / FOLDER / LIST), LIST, operations=Contract(reference()).operations)


def read(attempt: Path) -> Written:
    """List and contract. Raises: InvalidInput with all that is wrong with either."""
    problems: list[str] = []
    rows: list[Row] = []
    contract: Mapping[str, object] = {}
    try:
        rows = read_rows(attempt)
    except InvalidInput as error:
        problems += error.problems
    try:
        contract = own_contract.read(_text(attempt / FOLDER / OWN), OWN)
    except InvalidInput as error:
        problems += error.problems
    if problems:
        raise InvalidInput(problems)
    return Written(rows=rows, contract=contract)


def _text(path: Path) -> str:
    try:
        return read_given(path, most=own_contract.MOST_BYTES, expected="a file of yours").decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"{path.name}: got bytes that are no UTF-8, expected text") from None


def audited(variant: str, serve: Callable[[str], Mapping[str, Any]], shop: Path = SHOP) -> Audited:
    """List and contract in the attempt, with the key of its draft. *serve*: variant → the schema that it serves.

    Raises: InvalidInput for what can't be graded.
    """
    one = any_drill(KEY)
    draft, written = own_draft(one, shop / variant), read(shop / variant)
    return Audited(
        seed=draft.seed,
        revealed=revealed(draft),
        rows=tuple(written.rows),
        known=tuple(key(made(draft).key)),
        own=dict(written.contract),
        served=_facts(serve(draft.variant), f"the schema of {draft.variant}"),
    )


def key(rows: Sequence[Planted]) -> list[Known]:
    """The key of a draft as deviations. Raises: ValueError for a row that says no place."""
    return [
        Known(
            name=row.name,
            title=row.title,
            operations=frozenset(map(normal, row.operations)),
            places=places(row.where),
            kinds=tuple(row.family.split(", ")),
            planted=not row.in_naive,
        )
        for row in rows
    ]


def served_schema(variant: str, *, prepare: Callable[[str, Path], None], url: str) -> dict[str, Any]:
    """The schema that *variant* serves; it is started for that. Raises: LabBroken, and what *prepare* raises."""
    with tempfile.TemporaryDirectory() as scratch:
        prepare(variant, Path(scratch) / "world.json")
    try:
        with httpx.Client(base_url=url, timeout=PATIENCE_S, trust_env=False) as client:
            answer = client.get("/api/schema/", params={"format": "json"}).raise_for_status()
        return msgspec.json.decode(answer.content, type=dict[str, Any])
    except httpx.HTTPError as error:
        raise LabBroken(f"{variant}: got {why(error)}, expected its schema") from None
    except msgspec.DecodeError as error:
        raise LabBroken(f"{variant}: got a schema that is no JSON ({error}), expected one") from None


def _facts(document: Mapping[str, Any], where: str) -> dict[str, object]:
    return own_contract.read(yaml.safe_dump(document, sort_keys=False), where)
