"""The seeded world, as world.json tells it: what there is to buy and who buys."""

from __future__ import annotations

from pathlib import Path

import msgspec


class WorldTier(msgspec.Struct, frozen=True, kw_only=True):
    """A price tier of an event; hot tiers sell out."""

    id: int
    event_slug: str
    capacity: int
    hot: bool = False


class WorldEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event and its page's name."""

    id: int
    slug: str


class WorldCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer with an access token that outlives the run, and a refresh token that nobody has used."""

    id: int
    username: str
    access: str
    refresh: str = ""


class WorldPerson(WorldCustomer, frozen=True, kw_only=True):
    """One of the cast.

    Attributes:
        order: Id of an order of this customer's; empty for staff.
        stale: A token of this person that still claims a role the person no longer has.
    """

    order: str = ""
    stale: str = ""


class World(msgspec.Struct, frozen=True, kw_only=True):
    """world.json; keys that the driver doesn't need are ignored.

    Attributes:
        cast: `customer`, `other` (a customer too), `support`, `admin` → person.
        bad_tokens: What is wrong with it → an access token that must be refused.
        bad_refreshes: What became of its account → a refresh token that must be refused.
        access_lifetime_s: How long access tokens live in this run; None where the scenario leaves it to the variant.
        routes: Addresses that the variant serves, as `/api/events/{}/`.
    """

    variant: str
    password: str
    events: tuple[WorldEvent, ...]
    tiers: tuple[WorldTier, ...]
    customers: tuple[WorldCustomer, ...]
    cast: dict[str, WorldPerson] = {}
    bad_tokens: dict[str, str] = {}
    bad_refreshes: dict[str, str] = {}
    access_lifetime_s: int | None = None
    routes: tuple[str, ...] = ()

    @property
    def settled(self) -> tuple[WorldCustomer, ...]:
        """Customers whose sessions, passwords and names nobody touches: journeys that do take theirs from the start."""
        return self.customers[-max(1, len(self.customers) // 10) :]

    def person(self, name: str) -> WorldPerson:
        """One of the cast. Raises: ValueError when the world has none."""
        if name not in self.cast:
            raise ValueError(f"world.json: cast: got no {name!r}, expected the cast of prepare")
        return self.cast[name]


def read(path: Path) -> World:
    """Raises: ValueError, as `where: got X, expected Y`."""
    try:
        world = msgspec.json.decode(path.read_bytes(), type=World)
    except OSError as error:
        raise ValueError(f"{path}: got {error.strerror}, expected the world.json of prepare") from error
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: got {error}, expected the world.json of prepare") from error
    for name in ("events", "tiers", "customers"):
        if not getattr(world, name):
            raise ValueError(f"{path}: {name}: got an empty list, expected at least one")
    return world
