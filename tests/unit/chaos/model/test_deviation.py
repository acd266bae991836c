"""Places, families and operations, as people write them."""

from __future__ import annotations

import pytest

from chaos.model.deviation import Place, normal, place, places, same_family


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("response tiers[].price_cents", Place("response", ("tiers", "price_cents"))),
        ("`Response results[].tiers[].price_cents`", Place("response", ("tiers", "price_cents"))),
        ("response", Place("response")),
        ("response [].revenue_cents", Place("response", ("revenue_cents",))),
        ("status 202/201", Place("status", (), frozenset({201, 202}))),
        ("status 202 → 201", Place("status", (), frozenset({201, 202}))),
        ("status", Place("status")),
        ("error 400 invalid_params", Place("error", ("invalid_params",), frozenset({400}))),
        ("error status", Place("error", ("status",))),
        ("error 4xx", Place("error")),
        ("header Retry-After", Place("header", ("retry-after",))),
        ("query page_size", Place("query", ("page_size",))),
    ],
)
def test_a_place_is_read(text: str, expected: Place) -> None:
    assert place(text) == expected


@pytest.mark.parametrize(
    "text", ["", "body x", "somewhere", "response a b", "status x", "response a..b c", "request ;"]
)
def test_what_is_no_place(text: str) -> None:
    assert place(text) is None


@pytest.mark.parametrize(
    ("one", "other", "like"),
    [
        ("response price_cents", "response tiers[].price_cents", True),
        ("response tiers.price_cents", "response tiers[].price_cents", True),
        ("response cents", "response tiers[].price_cents", False),
        ("request price_cents", "response price_cents", False),
        ("response", "response price_cents", False),
        ("response tiers", "response tiers[].price_cents", False),
        ("status", "status 202/201", True),
        ("status 201", "status 202/201", True),
        ("status 200", "status 202/201", False),
        ("error 409", "error 400", False),
        ("error 400", "error 400 invalid_params", False),
    ],
)
def test_places_that_mean_the_same(one: str, other: str, like: bool) -> None:
    (first,), (second,) = places(one), places(other)
    assert first.is_like(second) is like
    assert second.is_like(first) is like


def test_a_key_may_say_a_place_in_several_ways() -> None:
    assert len(places("request tier | status 400/500")) == 2
    with pytest.raises(ValueError, match=r"got 'request tier \| nowhere'"):
        places("request tier | nowhere")


def test_operations_are_compared_without_their_spelling() -> None:
    assert normal(" `get api/events/<slug:slug>` ") == normal("GET /api/events/{name}/?page=1") == "GET /api/events/{}/"


def test_families_that_people_may_take_for_each_other() -> None:
    assert same_family("type", "type")
    assert same_family("null", "type")
    assert not same_family("null", "required")
