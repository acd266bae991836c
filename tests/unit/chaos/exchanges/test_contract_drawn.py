"""Requests drawn from the contract as cases: as whom, in which order, and with ids that exist."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from chaos.errors import LabBroken
from chaos.exchanges._source import Ground
from chaos.exchanges.contract_drawn import ASKED_AS, KIND, MOST_LOGINS, ContractDrawn
from chaos.load.contract import reference
from chaos.model.conform import Contract
from chaos.model.drawn import Drawn
from chaos.model.exchange import Case
from chaos.model.world import SeededTier, SeededWorld

NAMES = Contract(reference()).names
BODIES = {"placeOrder": '{"tier": 1, "quantity": 2}'}
TIER = SeededTier(tier_id=77, event_slug="gig", name="", capacity=5, price_cents=100)


def drawn(cases: int) -> Sequence[Drawn]:
    return [
        Drawn(
            operation=name,
            valid=valid,
            path=f"/drawn/{number}?page=1",
            body=BODIES.get(operation),
            headers={"Content-Type": "application/json", "Idempotency-Key": "k"},
        )
        for operation, name in NAMES.items()
        for valid in (True, False)
        for number in range(cases)
    ]


def cases(number: int = 4, draw: Callable[[int], Sequence[Drawn]] = drawn) -> list[Case]:
    ground = Ground(
        seed=7,
        world=SeededWorld(events=(), tiers=(TIER,)),
        people={"customer": {"order": "o-1"}},
        operations=NAMES,
        draw=draw,
    )
    return list(KIND.cases(ContractDrawn(section="drawn", send="contract_drawn", cases=number), ground))


def test_every_operation_but_logout_is_asked_and_who_changes_the_account_comes_last() -> None:
    found = list(dict.fromkeys(case.operation for case in cases()))
    assert found == list(ASKED_AS)
    assert set(NAMES) - set(found) == {"logout"}
    assert found[-1] == "changeMe"
    assert sum(case.operation == "login" for case in cases(50)) == MOST_LOGINS


def test_each_says_what_it_was_drawn_to_be_and_promises_no_success() -> None:
    found = [case for case in cases() if case.operation == "getMe"]
    assert [case.about["drawn"] for case in found] == ["valid"] * 4 + ["invalid"] * 4
    assert [case.about["exists"] for case in found] == [False, True, False, True] + [False] * 4
    assert {case.about["success"] for case in cases()} == {False}
    assert {tuple(case.headers) for case in found} == {("Idempotency-Key",)}


def test_the_few_logins_are_valid_and_invalid_by_turns() -> None:
    found = [case.about["drawn"] for case in cases(50) if case.operation == "login"]
    assert found == ["valid", "invalid", "valid", "invalid"]


def test_an_operation_of_which_nothing_was_drawn_is_named() -> None:
    """Else it would hold without a single request."""
    with pytest.raises(LabBroken, match="drawn: got no request that schemathesis drew of listEvents, expected some"):
        cases(draw=lambda number: [one for one in drawn(number) if one.operation != NAMES["listEvents"]])


def test_half_of_the_valid_ones_are_about_what_exists() -> None:
    found = [case.path for case in cases() if case.operation == "getOrder"]
    assert found[:4] == ["/drawn/0?page=1", "/api/orders/o-1/?page=1", "/drawn/2?page=1", "/api/orders/o-1/?page=1"]
    assert "/api/orders/o-1/?page=1" not in found[4:]
    tiers = [json.loads(case.body or "")["tier"] for case in cases() if case.operation == "placeOrder"]
    assert tiers == [1, 77, 1, 77, 1, 1, 1, 1]
