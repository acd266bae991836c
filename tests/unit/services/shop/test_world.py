"""The seeded world."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.shop.core.world import FEWEST_GUESTS, NEVER_SOLD_OUT, STAFF, WorldError, parse, plan


def test_what_is_left_out_takes_its_default() -> None:
    world = parse({"seats": 10})
    assert (world.events, world.hot_tiers, world.seats, world.customers) == (5, 1, 10, 200)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"planets": 1}, "world.planets: got an unknown key, expected one of events, hot_tiers, seats, customers"),
        ({"seats": 0}, "world.seats: got 0, expected a whole number from 1 to 100000"),
        ({"seats": "many"}, "world.seats: got 'many'"),
        ({"customers": True}, "world.customers: got True"),
        ({"events": 2, "hot_tiers": 3}, "world.hot_tiers: got 3, expected at most one per event (2)"),
    ],
)
def test_a_world_that_cannot_be_made(values: dict[str, object], message: str) -> None:
    with pytest.raises(WorldError) as caught:
        parse(values)
    assert message in str(caught.value)


@given(seed=st.integers(0, 2**32), events=st.integers(1, 60), seats=st.integers(1, 500), data=st.data())
def test_a_plan_is_repeatable_and_complete(seed: int, events: int, seats: int, data: st.DataObject) -> None:
    hot = data.draw(st.integers(0, events))
    world = parse({"events": events, "hot_tiers": hot, "seats": seats, "customers": 7})
    made = plan(world, seed=seed)
    assert made == plan(world, seed=seed)
    assert len({event.slug for event in made.events}) == events
    everybody = [*made.people, *made.staff]
    assert len({person.username for person in everybody}) == len(everybody) == 7 + FEWEST_GUESTS + STAFF
    assert len({person.email for person in everybody}) >= len(everybody) - 3
    assert len(made.guests) == FEWEST_GUESTS
    said = " ".join([*(f"{p.username} {p.email}" for p in everybody), *(event.slug for event in made.events)])
    words = set(re.findall(r"[a-z]+", said))  # whole words: there are people whose names hold three such letters
    assert not words & {"lab", "load", "probe", "test", "cast", "guest", "customer", "admin", "firedrill", "event"}
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+(-\d+)?", event.slug) and len(event.slug) <= 50 for event in made.events)
    tiers = [tier for event in made.events for tier in event.tiers]
    assert sum(tier.hot for tier in tiers) == hot
    assert {tier.capacity for tier in tiers if tier.hot} <= {seats}
    assert {tier.capacity for tier in tiers if not tier.hot} <= {NEVER_SOLD_OUT}
    assert all(tier.price_cents > 0 for tier in tiers)
    assert all(event.venue < len(made.venues) for event in made.events)
    assert all(len(set(event.performers)) == len(event.performers) for event in made.events)


def test_another_seed_makes_another_world() -> None:
    world = parse({})
    assert plan(world, seed=1) != plan(world, seed=2)
