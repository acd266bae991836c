"""The seeded world: which venues, events, tiers and customers a seed makes. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

NEVER_SOLD_OUT = 100_000
TIERS_PER_EVENT = 3
PERFORMERS_PER_EVENT = 2
LIMITS = {"events": (1, 5_000), "hot_tiers": (0, 5_000), "seats": (1, NEVER_SOLD_OUT), "customers": (1, 50_000)}
DEFAULTS = {"events": 5, "hot_tiers": 1, "seats": 150, "customers": 200}

_CITIES = ("Porto", "Gdansk", "Lyon", "Leeds", "Turin", "Ghent", "Malmo", "Graz", "Cork", "Bilbao")
_HALLS = ("Arena", "Hall", "Theatre", "Garden", "Dome", "Forum", "Pavilion", "Stage")
_FIRST = ("Velvet", "Paper", "Northern", "Electric", "Quiet", "Golden", "Second", "Hollow", "Amber", "Distant")
_SECOND = ("Foxes", "Engines", "Harbour", "Lanterns", "Orchard", "Static", "Rivers", "Machines", "Parade", "Signals")
_TIER_NAMES = ("Front", "Floor", "Balcony")


class WorldError(ValueError):
    """The description of a world that can't be made: `world.KEY: got X, expected Y`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How large the world is.

    Attributes:
        hot_tiers: Tiers that can sell out, in the first events, one each.
        seats: Capacity of each hot tier.
    """

    events: int
    hot_tiers: int
    seats: int
    customers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTier:
    """One tier of a planned event."""

    name: str
    price_cents: int
    capacity: int
    hot: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEvent:
    """One event; `venue` and `performers` are positions in the lists of `Plan`."""

    slug: str
    title: str
    venue: int
    performers: tuple[int, ...]
    days_ahead: int
    tiers: tuple[PlannedTier, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All rows of the world, before they have ids. Venues are (name, city)."""

    venues: tuple[tuple[str, str], ...]
    performers: tuple[str, ...]
    events: tuple[PlannedEvent, ...]
    usernames: tuple[str, ...]


def parse(values: Mapping[str, object]) -> World:
    """A world from the mapping that a scenario carries; what is left out takes its default.

    Raises:
        WorldError: An unknown key or a value out of range.
    """
    for key, value in values.items():
        if key not in LIMITS:
            raise WorldError(f"world.{key}: got an unknown key, expected one of {', '.join(LIMITS)}")
        lowest, highest = LIMITS[key]
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise WorldError(f"world.{key}: got {value!r}, expected a whole number from {lowest} to {highest}")
    world = World(**{key: int(values.get(key, default)) for key, default in DEFAULTS.items()})  # type: ignore[call-overload]
    if world.hot_tiers > world.events:
        raise WorldError(f"world.hot_tiers: got {world.hot_tiers}, expected at most one per event ({world.events})")
    return world


def plan(world: World, *, seed: int) -> Plan:
    """The same world and seed give the same plan, always."""
    dice = random.Random(seed)  # noqa: S311  (a seeded world, no secret)
    venues = tuple((f"{city} {dice.choice(_HALLS)}", city) for city in _CITIES[: max(3, min(10, world.events // 2))])
    performers = tuple(f"{first} {second}" for first in _FIRST for second in _SECOND)
    events = tuple(_event(dice, world, number, len(venues), performers) for number in range(world.events))
    return Plan(
        venues=venues,
        performers=performers,
        events=events,
        usernames=tuple(f"customer{number:05d}" for number in range(1, world.customers + 1)),
    )


def _event(dice: random.Random, world: World, number: int, venues: int, performers: tuple[str, ...]) -> PlannedEvent:
    chosen = tuple(dice.sample(range(len(performers)), PERFORMERS_PER_EVENT))
    hot_event = number < world.hot_tiers
    tiers = tuple(
        PlannedTier(
            name=name,
            price_cents=100 * dice.randint(20, 60) * (TIERS_PER_EVENT - position),
            capacity=world.seats if (hot := hot_event and position == 0) else NEVER_SOLD_OUT,
            hot=hot,
        )
        for position, name in enumerate(_TIER_NAMES)
    )
    return PlannedEvent(
        slug=f"event-{number + 1:04d}",
        title=f"{performers[chosen[0]]} with {performers[chosen[1]]}",
        venue=dice.randrange(venues),
        performers=chosen,
        days_ahead=dice.randint(7, 300),
        tiers=tiers,
    )
