"""What is served, against what was given."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from chaos.invariants import KINDS, Context
from chaos.model.evidence import EndState
from chaos.model.verdict import Verdict
from tests.unit.chaos.invariants.exchanged import world

GIVEN = ["/api/backoffice/orders/", "/api/orders/"]


@dataclass(frozen=True)
class Case:
    served: list[str]
    verdict: Verdict
    said: str


@pytest.mark.parametrize(
    "case",
    [
        Case(GIVEN, Verdict.HELD, ""),
        Case([*GIVEN, "/api/v2/orders/"], Verdict.VIOLATED, "new: /api/v2/orders/"),
        Case(GIVEN[1:], Verdict.VIOLATED, "gone: /api/backoffice/orders/"),
        Case(["/x/", GIVEN[1]], Verdict.VIOLATED, "new: /x/; gone: /api/backoffice/orders/"),
        Case([], Verdict.INCONCLUSIVE, "nobody looked"),
    ],
    ids=lambda case: case.said or "kept",
)
def test_a_flaw_that_was_moved_behind_another_address_is_not_mended(case: Case) -> None:
    kind = KINDS["addresses_are_kept"]
    seeded = msgspec.structs.replace(world(), routes=tuple(case.served))
    context = Context(state=EndState(), t0_unix_s=1.0, phases=(), history_complete=True, world=seeded)
    found = kind.reducer(kind.params.model_validate({"addresses": GIVEN})).finish(context)
    assert found.verdict is case.verdict
    assert case.said in found.reason
    assert kind.reducer(kind.params()).finish(context).verdict is Verdict.INCONCLUSIVE
