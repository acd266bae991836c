"""Answers to drawn requests: any of the contract's will do, and only whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chaos.invariants import KINDS, Context
from chaos.load.contract import reference
from chaos.model.conform import Contract
from chaos.model.evidence import EndState
from chaos.model.exchange import Case, Exchange, Exchanged
from chaos.model.verdict import Finding, Verdict

PROBLEM = {"content-type": "application/problem+json"}
ME = {"id": 1, "username": "ada", "email": "ada@example.org", "role": "customer"}


def problem(status: int, code: str) -> str:
    return json.dumps({"type": f"/problems/{code}", "title": "No", "status": status, "code": code})


def answered(status: int, body: str, headers: dict[str, str], *, number: int = 1, asked: str | None = None,
             operation: str = "changeMe", drawn: str = "invalid") -> tuple[Case, Exchange]:  # fmt: skip
    id_ = f"drawn-{number}"
    case = Case(id=id_, section="drawn", operation=operation, identity="other", method="PATCH", path="/api/me/",
                about={"drawn": drawn, "success": False})  # fmt: skip
    return case, Exchange(id=id_, case=id_, section="drawn", operation=operation, identity="other", method="PATCH",
                          path="/api/me/", intended=1.0, sent=1.0, ended=1.1, status=status, headers=headers,
                          body=body, request_body=asked)  # fmt: skip


def judged(*pairs: tuple[Case, Exchange]) -> Finding:
    exchanged = Exchanged(cases=tuple(case for case, _ in pairs), exchanges=tuple(one for _, one in pairs))
    context = Context(state=EndState(), t0_unix_s=1.0, phases=(), history_complete=True, exchanges=exchanged,
                      contract=Contract(reference()))  # fmt: skip
    kind = KINDS["drawn_answers_conform"]
    return kind.reducer(kind.params()).finish(context)


def test_nothing_drawn_decides_nothing() -> None:
    assert judged().verdict is Verdict.INCONCLUSIVE
    assert judged(answered(0, "", {})).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("status", [500, 503, 418, 302])
def test_a_status_that_nobody_has_or_that_is_an_outage(status: int) -> None:
    found = judged(answered(status, "", {}))
    assert found.verdict is Verdict.VIOLATED
    assert f"{status} came" in found.reason


def test_a_body_that_the_contract_refuses_and_the_shop_takes() -> None:
    taken: Any = answered(200, json.dumps(ME), {"content-type": "application/json"}, asked='{"email": 5}')
    found = judged(taken)
    assert found.verdict is Verdict.VIOLATED
    assert "PATCH /api/me/ · request · limit: of the body 5 is not of type 'string', and 200 came" in found.reason
    assert "not of type" not in judged(answered(401, "{}", PROBLEM, asked='{"email": 5}')).reason


def test_a_documented_answer_of_another_shape() -> None:
    found = judged(answered(400, "<html>", {"content-type": "text/html"}))
    assert "application/problem+json is promised, text/html came" in found.reason


def test_the_smallest_request_is_shown() -> None:
    large = answered(500, "", {}, number=1, asked='{"email": "' + "x" * 99 + '"}')
    small = answered(500, "", {}, number=2, asked="{}")
    found = judged(large, small)
    assert found.counterexample is not None
    assert found.counterexample.operations == ("drawn-2",)
    assert found.examples == ("drawn-2",)
    later = answered(500, "", {}, number=3, asked="[]")
    assert judged(large, small, later).examples == ("drawn-3",)
