"""The world file is the lab's plan with the variant's ids, whatever the variant says."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.stack.errors import StackError
from services.stack.seeded import filled, planned, today_at, world_file

ROOT = Path(__file__).parents[4]
TODAY = today_at(datetime(2026, 11, 28, 14, 50, 3, tzinfo=UTC))


SIZE = {"events": 4, "hot_tiers": 1, "seats": 150, "customers": 2}


@pytest.fixture(scope="module")
def plan() -> dict[str, Any]:
    world = {"events": 2, "hot_tiers": 1, "seats": 150, "customers": 2}
    return planned(ROOT, seed=7, world=world, environment=os.environ)


def told(plan: dict[str, Any], **changes: Any) -> str:
    """What a seeder says that lies about everything but ids and names."""
    events = [{"id": 11, "slug": "x", "tiers": [3, 4, 5]}, {"id": 12, "slug": "y", "tiers": [6, 7, 8]}]
    people = [{"id": place, "username": who["username"], "access": "a"} for place, who in enumerate(plan["people"])]
    customers = [who for place, who in enumerate(people) if place not in plan["guests"]]
    guests = [who for place, who in enumerate(people) if place in plan["guests"]]
    tiers = [{"id": 3, "capacity": 9999, "price_cents": 1}]
    said = {"events": events, "tiers": tiers, "customers": customers, "guests": guests, "password": "p"}
    return json.dumps(said | changes)


def test_everything_but_ids_comes_from_the_plan(plan: dict[str, Any]) -> None:
    world = json.loads(world_file(told(plan), plan, variant="attempt", today=TODAY))
    assert [tier["id"] for tier in world["tiers"]] == [3, 4, 5, 6, 7, 8]
    assert [tier["capacity"] for tier in world["tiers"]] == [150, *[100_000] * 5]
    assert world["tiers"][0] | plan["events"][0]["tiers"][0] == world["tiers"][0]
    assert [event["slug"] for event in world["events"]] == [event["slug"] for event in plan["events"]]
    first = plan["events"][0]
    assert world["events"][0]["title"] == first["title"]
    assert world["events"][0]["venue"] == plan["venues"][first["venue"]][0]
    assert world["events"][0]["starts_at"].endswith("T19:00:00Z")
    assert world["customers"][0]["access"] == "a"
    assert {p["username"]: p["email"] for kind in ("customers", "guests") for p in world[kind]} == {
        p["username"]: p["email"] for p in plan["people"]
    }
    assert world["password"] == "p"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"events": []}, "got 0 events"),
        ({"events": [{"id": 1, "tiers": [1, 2]}, {"id": 2, "tiers": [3, 4, 5]}]}, "expected those that were planned"),
        ({"events": [{"id": 1, "tiers": [1, 1, 2]}, {"id": 2, "tiers": [3, 4, 5]}]}, "ids that are not unique"),
        ({"events": [{"id": 1, "tiers": [1, 2, 6]}, {"id": 1, "tiers": [3, 4, 5]}]}, "ids that are not unique"),
        ({"events": "none"}, "in what was seeded"),
        ({"customers": [{"id": 1, "username": "somebody"}], "guests": []}, "1 customers"),
        ({"guests": []}, "expected those that were planned"),
    ],
)
def test_a_variant_that_did_not_keep_the_plan_is_refused(
    plan: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(StackError, match="services/shop/attempt: ") as caught:
        world_file(told(plan, **changes), plan, variant="attempt", today=TODAY)
    assert said in caught.value.message


def test_what_is_no_json_is_refused(plan: dict[str, Any]) -> None:
    with pytest.raises(StackError, match="in what was seeded"):
        world_file("<html>", plan, variant="attempt", today=TODAY)


# --- a world that is filled while its variant runs ---


def events(numbers: range) -> list[dict[str, Any]]:
    return [{"id": 10 + n, "slug": "?", "tiers": [100 + 3 * n, 101 + 3 * n, 102 + 3 * n]} for n in numbers]


def orders(plan: dict[str, Any], numbers: range) -> list[dict[str, Any]]:
    return [
        {"id": f"order-{n}", "tickets": [f"ticket-{n}-{seat}" for seat in range(planned["quantity"])]
         if planned["status"] == "paid" else []}
        for n, planned in enumerate(plan["orders"])
        if n in numbers
    ]  # fmt: skip


def filling(rows: int) -> dict[str, Any]:
    return planned(ROOT, seed=7, world=SIZE, environment=os.environ, rows=rows)


def test_filling_goes_on_where_seeding_ended() -> None:
    few, many = filling(1), filling(3)
    assert many["orders"][:1] == few["orders"]  # however many are asked for
    cast = {"customer": {"username": "somebody else", "id": 1}}
    seeded = told(few, events=events(range(1)), orders=orders(few, range(1)), cast=cast)
    text = world_file(seeded, few, variant="attempt", today=TODAY, rows=1)
    more = json.dumps({"events": events(range(1, 3)), "orders": orders(many, range(1, 3))})
    world = json.loads(filled(text, more, many, variant="attempt", rows=3))
    assert [event["slug"] for event in world["events"]] == [event["slug"] for event in many["events"][:3]]
    assert [order["id"] for order in world["orders"]] == ["order-0", "order-1", "order-2"]
    assert world["cast"]["customer"]["username"] == many["staff"][0]["username"]
    for number, order in enumerate(world["orders"]):
        planned_order = many["orders"][number]
        tier = many["events"][number]["tiers"][planned_order["tier"]]
        assert order["amount_cents"] == tier["price_cents"] * planned_order["quantity"]
        assert order["tier"] == 100 + 3 * number + planned_order["tier"]
        assert order["created_at"] < TODAY.isoformat()
    assert world["seeded"]["rows"] == 3


@pytest.mark.parametrize(
    ("told_more", "said"),
    [
        ({"events": []}, "got 0 events"),
        ({"orders": []}, "and 0 orders"),
        ({"events": events(range(2))}, "ids that are not unique"),  # the first one again
        ({"orders": "none"}, "and 4 orders"),
        ({"orders": [{"id": "order-1", "tickets": ["one too many"] * 9}]}, "9 tickets of an order"),
        ({"orders": [{"id": "order-1"}]}, "in what was filled in"),
    ],
)
def test_what_was_filled_in_otherwise_than_planned_is_refused(told_more: dict[str, Any], said: str) -> None:
    few, many = filling(1), filling(2)
    text = world_file(
        told(few, events=events(range(1)), orders=orders(few, range(1)), cast={}),
        few, variant="attempt", today=TODAY, rows=1,
    )  # fmt: skip
    more = {"events": events(range(1, 2)), "orders": orders(many, range(1, 2))} | told_more
    if said == "ids that are not unique":
        more["events"] = events(range(1))
    with pytest.raises(StackError) as caught:
        filled(text, json.dumps(more), many, variant="attempt", rows=2)
    assert said in caught.value.message
