"""What of drill 1 no scenario judges: the learner's list of discrepancies, and the learner's contract."""

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
from chaos.drills import audit, discrepancies, own_contract
from chaos.drills.audit import Grade, Known
from chaos.drills.catalogue import Part
from chaos.drills.check import Passed
from chaos.drills.discrepancies import Row
from chaos.drills.own_contract import ContractGrade
from chaos.errors import InvalidInput, LabBroken
from chaos.load.contract import reference
from chaos.model.conform import Contract
from chaos.model.verdict import Verdict

KEY: Final = "api-contract"
FOLDER: Final = "contract"
"""In the attempt: what the learner writes."""
LIST: Final = "discrepancies.md"
OWN: Final = "openapi.yaml"
PATIENCE_S: Final = 30.0
LEAST: Final[Mapping[Part, float]] = {"core": 0.7, "stretch": 0.9}
"""Of recall and of precision, of the list and of the contract."""


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
        if path.stat().st_size > own_contract.MOST_BYTES:
            raise InvalidInput(
                f"{path.name}: got {path.stat().st_size} bytes, expected at most {own_contract.MOST_BYTES}"
            )
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{path.name}: got bytes that are no UTF-8, expected text") from None
    except OSError as error:
        raise InvalidInput(f"{path}: got {error.strerror}, expected a file of yours") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """Both grades."""

    list: Grade
    contract: ContractGrade

    def passed(self, part: Part) -> tuple[Passed, Passed]:
        """How each does by what *part* asks for.

        It says how many, and not which: that would be the key, a try at a time. `firedrill reveal` tells it, on record.
        """
        least = LEAST[part]
        found, own = self.list, self.contract
        planted = "" if found.planted_recall is None else f", {found.planted_recall:.2f} of what was planted"
        contested = "" if own.contested_recall is None else f", {own.contested_recall:.2f} where the draft's differs"
        wrong, missing = len(own.wrong), len(own.missing)
        return (
            _passed(
                LIST,
                found.reaches(least, least),
                f"recall {found.recall:.2f}{planted}; precision {found.precision:.2f}; at least {least:g} each "
                f"({len(found.found)} told, {len(found.missed)} missed, {len(found.wrong)} rows wrong, "
                f"{len(found.repeated)} repeated)",
            ),
            _passed(
                OWN,
                own.reaches(least, least),
                f"recall {own.recall:.2f}{contested}; precision {own.precision:.2f}; at least {least:g} each "
                f"({wrong} statements wrong, {missing} missing)",
            ),
        )


def _passed(name: str, reached: bool, reason: str) -> Passed:
    return Passed(name=name, verdict=Verdict.HELD if reached else Verdict.VIOLATED, reason=reason)


def graded(written: Written, *, key: Sequence[Known], served: Mapping[str, Any]) -> Graded:
    """Grade what the learner wrote.

    Args:
        key: Of the draft that the attempt came from.
        served: The schema that this draft serves, parsed.

    Raises: InvalidInput when the draft's schema can't be read.
    """
    return Graded(
        list=audit.grade(written.rows, key),
        contract=own_contract.grade(
            written.contract, _facts(reference(), "contract.yaml"), _facts(served, "the draft's schema")
        ),
    )


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
