"""The seeded world: which venues, events, tiers and customers a seed makes. Pure.

`python -m services.shop.core.world SEED WORLD [ORDERS]` prints it as JSON, with the first orders: the lab's own
witness, made without a variant's code.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass

NEVER_SOLD_OUT = 100_000
TIERS_PER_EVENT = 3
PERFORMERS_PER_EVENT = 2
LIMITS = {
    "events": (1, 5_000),
    "hot_tiers": (0, 5_000),
    "seats": (1, NEVER_SOLD_OUT),
    "customers": (1, 50_000),
    "old_orders": (0, 20_000),
}
DEFAULTS = {"events": 5, "hot_tiers": 1, "seats": 150, "customers": 200, "old_orders": 0}

_CITIES = ("Porto", "Gdansk", "Lyon", "Leeds", "Turin", "Ghent", "Malmo", "Graz", "Cork", "Bilbao")
_HALLS = ("Arena", "Hall", "Theatre", "Garden", "Dome", "Forum", "Pavilion", "Stage")
_FIRST = ("Velvet", "Paper", "Northern", "Electric", "Quiet", "Golden", "Second", "Hollow", "Amber", "Distant")
_SECOND = ("Foxes", "Engines", "Harbour", "Lanterns", "Orchard", "Static", "Rivers", "Machines", "Parade", "Signals")
_TIER_NAMES = ("Front", "Floor", "Balcony")
_GIVEN = (
    "anna", "ben", "carla", "david", "elena", "felix", "greta", "hugo", "ines", "jonas", "katja", "leo", "maria",
    "nils", "olga", "pedro", "rosa", "stefan", "tomas", "ursula", "victor", "wanda", "yusuf", "zoe", "amir", "bruno",
    "chloe",
    "dario", "emma", "fatima", "gavin", "hana", "ivan", "julia", "kofi", "lena", "mateo", "nora", "oscar", "priya",
)  # fmt: skip
_FAMILY = (
    "alvarez", "becker", "costa", "dubois", "eriksen", "fischer", "garcia", "hansen", "ivanov", "jansen", "kowalski",
    "lopez", "meyer", "novak", "okafor", "petrov", "quinn", "rossi", "silva", "tanaka", "urban", "vogel", "wagner",
    "yilmaz", "zeller", "andersson", "bianchi", "cohen", "demir", "evans", "ferreira", "gruber", "haddad", "jensen",
    "keller", "lindgren", "moreau", "nowak", "oliveira", "popescu",
)  # fmt: skip
_DOMAINS = ("example.com", "example.net", "example.org")  # reserved: mail to them is not delivered. Source: RFC 2606
_MAIL_HOSTS = ("", "mail.", "post.", "inbox.", "home.")
GUESTS_SHARE, FEWEST_GUESTS = 0.15, 10
STAFF = 7


class WorldError(ValueError):
    """The description of a world that can't be made: `world.KEY: got X, expected Y`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How large the world is.

    Attributes:
        hot_tiers: Tiers that can sell out, in the first events, one each.
        seats: Capacity of each hot tier.
        old_orders: Refused orders of the customers, spread over the time of the cast's orders.
    """

    events: int
    hot_tiers: int
    seats: int
    customers: int
    old_orders: int = 0


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


@dataclass(frozen=True, slots=True)
class Person:
    """A person with an account."""

    username: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All rows of the world, before they have ids. Venues are (name, city).

    Attributes:
        people: Customers, in the order in which their accounts are made.
        guests: Positions in *people* of the accounts that only the guest client uses; they look like all others.
        staff: All others: the cast, and the owners of the deleted, disabled and changed accounts.
    """

    venues: tuple[tuple[str, str], ...]
    performers: tuple[str, ...]
    events: tuple[PlannedEvent, ...]
    people: tuple[Person, ...]
    guests: frozenset[int]
    staff: tuple[Person, ...]


def parse(values: Mapping[str, object]) -> World:
    """A world from a scenario's mapping; an absent key takes its default.

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
    slugs: set[str] = set()
    events = tuple(_event(dice, world, number, len(venues), performers, slugs) for number in range(world.events))
    guests = max(FEWEST_GUESTS, round(world.customers * GUESTS_SHARE))
    people = _people(random.Random(f"people:{seed}"), world.customers + guests + STAFF)  # noqa: S311
    customers = people[STAFF:]
    return Plan(
        venues=venues,
        performers=performers,
        events=events,
        people=customers,
        guests=frozenset(random.Random(f"guests:{seed}").sample(range(len(customers)), guests)),  # noqa: S311
        staff=people[:STAFF],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOrder:
    """An order of the cast's customer that exists when a run begins; `event` and `tier` are positions.

    Attributes:
        minutes_ago: Before the day that the plan counts from; all different, so that the orders have a unique order.
    """

    event: int
    tier: int
    quantity: int
    reference: str
    status: str
    minutes_ago: int


def orders(plan: Plan, *, seed: int, rows: int) -> tuple[PlannedOrder, ...]:
    """The first *rows* orders, of one event after the other; a seed gives the same ones for any number of rows.

    None is of a tier that can sell out, so that all of its seats are left for the run.
    """
    dice = random.Random(f"orders:{seed}")  # noqa: S311  (a seeded world, no secret)
    found = []
    for number in range(rows):
        found.append(
            PlannedOrder(
                event=number % len(plan.events),
                tier=dice.randrange(1, TIERS_PER_EVENT),
                quantity=dice.randint(1, 4),
                reference=f"{dice.choice(_GIVEN)}-{dice.randint(1000, 9999)}",
                status=dice.choice(("paid", "paid", "refused")),
                minutes_ago=24 * 60 + number * 7,
            )
        )
    return tuple(found)


def edited(text: str, edition: int) -> str:
    """A planned text as it is in that edition of the rows; 0 is as planned."""
    return f"{text} {edition + 1}" if edition else text


def _people(dice: random.Random, number: int) -> tuple[Person, ...]:
    """*number* people with different user names of usual forms."""
    found: dict[str, Person] = {}
    while len(found) < number:
        given, family = dice.choice(_GIVEN), dice.choice(_FAMILY)
        name = dice.choice(
            (f"{given}.{family}", f"{given}{family}", f"{given[0]}{family}", f"{given}_{family[0]}", given)
        )
        name += str(dice.choice((dice.randint(1, 99), dice.randint(1950, 2008)))) if dice.random() < 0.7 else ""
        while name in found:
            name += str(dice.randint(0, 9))
        mail = (
            f"{dice.choice((name, f'{given}.{family}{len(found)}'))}@{dice.choice(_MAIL_HOSTS)}{dice.choice(_DOMAINS)}"
        )
        found[name] = Person(name, mail)
    return tuple(found.values())


def _event(
    dice: random.Random, world: World, number: int, venues: int, performers: tuple[str, ...], slugs: set[str]
) -> PlannedEvent:
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
        slug=_slug(f"{performers[chosen[0]]} {performers[chosen[1]]}", slugs),
        title=f"{performers[chosen[0]]} with {performers[chosen[1]]}",
        venue=dice.randrange(venues),
        performers=chosen,
        days_ahead=dice.randint(7, 300),
        tiers=tiers,
    )


def _slug(title: str, taken: set[str]) -> str:
    """The slug of *title*, with a number when it is taken."""
    plain = "-".join(title.lower().split())
    slug, number = plain, 1
    while slug in taken:
        number += 1
        slug = f"{plain}-{number}"
    taken.add(slug)
    return slug


if __name__ == "__main__":
    seed, described, *more = sys.argv[1:]
    made = plan(parse(json.loads(described)), seed=int(seed))
    ordered = [asdict(order) for order in orders(made, seed=int(seed), rows=int(more[0]) if more else 0)]
    sys.stdout.write(json.dumps(asdict(made) | {"guests": sorted(made.guests), "orders": ordered}))
