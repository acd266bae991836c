"""Answers against a contract: what is otherwise, where, and of which family."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaos.model.conform import Contract

CONTRACT = Contract(yaml.safe_load((Path(__file__).parents[4] / "services/shop/contract.yaml").read_text()))
EVENT = "GET /api/events/{slug}/"
ORDER = "GET /api/orders/{id}/"
PLACE = "POST /api/orders/"
LOGIN = "POST /api/auth/token/"
JSON, PROBLEM = "application/json", "application/problem+json"


def order(**other: Any) -> dict[str, Any]:
    number = "6f1a4f0e-5d0f-4f7e-9a2c-0d6f6b1f5f7a"
    return {
        "id": number,
        "status": "pending",
        "status_url": f"/api/orders/{number}/",
        "tier": 1,
        "quantity": 2,
        "amount_cents": 5000,
        "reference": "",
        "created_at": "2026-01-02T03:04:05Z",
        "tickets": [],
    } | other


def problem(status: int, **other: Any) -> dict[str, Any]:
    return {"type": "about:blank", "title": "No", "status": status, "detail": "No.", "code": "no"} | other


def seen(
    operation: str, promised: int, status: int, body: Any, kind: str = JSON, **headers: str
) -> list[tuple[str, str]]:
    text = body if isinstance(body, str) else json.dumps(body)
    sent = {
        "content-type": f"{kind}; charset=utf-8",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    found = CONTRACT.deviations(operation, promised, status=status, headers=sent, body=text)
    return [(str(one.place), one.family) for one in found]


def test_what_is_promised_deviates_nowhere() -> None:
    assert seen(ORDER, 200, 200, order(tickets=[{"id": order()["id"], "tier": 1}])) == []
    assert seen(ORDER, 404, 404, problem(404), PROBLEM) == []
    assert seen("POST /api/auth/logout/", 204, 204, "") == []


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"amount_cents": "5000"}, ("response amount_cents", "type")),
        ({"amount_cents": 50.0}, ("response amount_cents", "type")),
        ({"amount_cents": True}, ("response amount_cents", "type")),
        ({"amount_cents": None}, ("response amount_cents", "null")),
        ({"amount_cents": -1}, ("response amount_cents", "limit")),
        ({"quantity": 5}, ("response quantity", "limit")),
        ({"status": "refunded"}, ("response status", "enum")),
        ({"created_at": "2026-01-02 03:04:05"}, ("response created_at", "type")),
        ({"created_at": "2026-13-02T03:04:05Z"}, ("response created_at", "type")),
        ({"id": "17"}, ("response id", "type")),
        ({"customer": "carla"}, ("response customer", "extra")),
        ({"tickets": None}, ("response tickets", "null")),
        ({"tickets": ["a"]}, ("response tickets", "type")),
        ({"tickets": [{"id": "6f1a4f0e-5d0f-4f7e-9a2c-0d6f6b1f5f7a"}]}, ("response tickets.tier", "required")),
    ],
)
def test_a_field_that_is_otherwise(other: dict[str, Any], expected: tuple[str, str]) -> None:
    assert seen(ORDER, 200, 200, order(**other)) == [expected]


def test_each_field_that_is_missing_is_told_once() -> None:
    body = order()
    del body["tier"], body["quantity"]
    assert sorted(seen(ORDER, 200, 200, body)) == [("response quantity", "required"), ("response tier", "required")]


def test_rows_of_a_page_are_the_rows() -> None:
    page = {"count": 1, "next": None, "previous": None, "results": [order(amount_cents="1")]}
    assert seen("GET /api/orders/", 200, 200, page) == [("response amount_cents", "type")]
    del page["previous"]
    assert ("response previous", "required") in seen("GET /api/orders/", 200, 200, page)


def test_a_wrong_status_hides_no_wrong_body() -> None:
    assert seen(PLACE, 202, 201, order(tickets=None)) == [("status 201/202", "status"), ("response tickets", "null")]


def test_what_should_have_been_refused_is_told_once() -> None:
    assert seen(EVENT, 404, 200, {}) == [("status 200/404", "status")]
    assert seen(EVENT, 404, 500, "<h1>Server Error</h1>", "text/html") == [("status 404/500", "status")]


def test_a_refusal_of_another_shape() -> None:
    assert seen(PLACE, 409, 409, {"error": "sold_out"}) == [("error 409", "error")]
    assert seen(PLACE, 409, 409, "sold out", PROBLEM) == [("error 409", "error")]
    assert seen(PLACE, 409, 409, problem(409) | {"status": "409"}, PROBLEM) == [("error 409 status", "type")]
    assert seen(PLACE, 400, 400, problem(400, invalid_params=[]), PROBLEM) == [("error 400 invalid_params", "type")]


def test_headers_that_are_promised() -> None:
    assert seen(LOGIN, 429, 429, problem(429), PROBLEM) == [("header retry-after", "header")]
    assert seen(LOGIN, 429, 429, problem(429), PROBLEM, retry_after="60 s") == [("header retry-after", "type")]
    assert seen(LOGIN, 429, 429, problem(429), PROBLEM, retry_after="60") == []
