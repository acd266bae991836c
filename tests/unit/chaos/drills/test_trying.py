"""What `firedrill try` sends, and what it says of the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chaos.drills import trying
from chaos.drills.trying import Asked, case, headers, identity, operation, tried
from chaos.errors import InvalidInput
from chaos.model.exchange import Exchange
from tests.unit.chaos.invariants.exchanged import world


def asked(name: str, **more: Any) -> Asked:
    return Asked(operation=operation(name), identity=more.pop("as_", "customer"), headers={}, **more)


def test_an_operation_by_either_name() -> None:
    assert operation("placeOrder") == operation("POST /api/orders/") == "POST /api/orders/"
    assert operation("GET /api/orders/{number}/") == "GET /api/orders/{id}/"
    with pytest.raises(InvalidInput, match="got 'buy', expected METHOD /path/ of the API or one of cancelOrder"):
        operation("buy")


def test_who_asks() -> None:
    assert identity("admin") == "admin"
    with pytest.raises(InvalidInput, match="--as: got 'root', expected one of anonymous, customer"):
        identity("root")


def test_headers() -> None:
    assert headers(["Accept: text/html", "X-A:"]) == {"Accept": "text/html", "X-A": ""}
    with pytest.raises(InvalidInput, match="expected 'Name: value'"):
        headers(["no colon"])


def test_what_is_left_out_is_something_that_exists() -> None:
    seeded = world()
    made = case(asked("placeOrder"), seeded, key="k")
    assert json.loads(made.body or "")["tier"] in seeded.by_tier
    assert made.headers == {"Idempotency-Key": "k"}
    assert case(asked("getOrder"), seeded, key="k").path == f"/api/orders/{seeded.cast['customer'].order}/"
    assert case(asked("changeTier", where="7"), seeded, key="k").path == "/api/admin/tiers/7/"
    assert case(asked("listEvents", query="page_size=0"), seeded, key="k").path == "/api/events/?page_size=0"


def test_a_body_is_sent_as_it_is() -> None:
    made = case(asked("placeOrder", body='{"tier": <<tier>>, "quantity": '), world(), key="k")
    assert "<<" not in (made.body or "")
    assert case(asked("placeOrder", body=""), world(), key="k").body is None
    assert case(asked("getEvent", where="a/../b"), world(), key="k").path == "/api/events/a%2F..%2Fb/"


def test_a_name_that_stands_for_nothing() -> None:
    for odd in ({"body": '{"tier": <<nope>>}'}, {"where": "<<nope>>"}):
        with pytest.raises(InvalidInput, match="got <<nope>>, expected one of <<slug>>, <<order>>, <<tier>>"):
            trying.expected(asked("cancelOrder", **odd))
    trying.expected(asked("login", body='{"username": "<<world.username>>", "password": "<<world.password>>"}'))


def test_an_id_where_none_belongs() -> None:
    with pytest.raises(InvalidInput, match="--id: got '7', expected none"):
        case(asked("listEvents", where="7"), world(), key="k")


def test_a_status_that_is_not_in_the_contract() -> None:
    with pytest.raises(InvalidInput, match="--expect: got 201, expected one that the contract has there: 202, 400"):
        trying.expected(asked("placeOrder", expect=201))


def answer(status: int, body: str = "", **headers_: str) -> Exchange:
    return Exchange(
        id="try-1", case="try-1", section="try", operation="getMe", identity="customer", method="GET",
        path="/api/me/", intended=0.0, status=status, headers=headers_, body=body,
    )  # fmt: skip


def differs(status: int, body: Any, *, kind: str = "application/json", **more: Any) -> list[str]:
    found = tried(asked("getMe", **more), answer(status, json.dumps(body), **{"content-type": kind}))
    return [f"{seen.place} · {seen.family}" for seen in found.differs]


ME = {"id": 1, "username": "a", "email": "a@example.org", "role": "customer"}


def test_where_an_answer_differs() -> None:
    assert differs(200, ME) == []
    assert differs(200, ME | {"id": "1"}) == ["response id · type"]
    assert differs(200, ME | {"last_login": None}) == ["response last_login · extra"]
    rows = [{"tier": "1", "event": "a", "name": "b", "paid_orders": 0, "revenue_cents": 0}] * 2
    twice = tried(asked("listSales"), answer(200, json.dumps(rows), **{"content-type": "application/json"}))
    assert [str(seen.place) for seen in twice.differs] == ["response tier"]  # told once, not for each row
    assert differs(500, {}) == ["status 200/500 · status"]
    assert differs(200, ME, expect=401) == ["status 200/401 · status"]


def test_what_the_contract_says_of_it() -> None:
    found = tried(asked("getMe"), answer(200, json.dumps(ME), **{"content-type": "application/json"}))
    assert found.promised == 200
    assert {200, 401, 503} <= found.documented.keys()
    assert found.place.startswith("services/shop/contract.yaml:")
    assert trying.document(found)["curl"].startswith("curl -i -H 'Authorization: Bearer <access token of customer>'")


def test_no_answer_differs_in_nothing_and_is_no_pass() -> None:
    found = tried(asked("getMe"), answer(0))
    assert found.differs == ()
    assert found.exchange.status == 0
