"""The seeded world of world.json: what can be bought, and who buys."""

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
    """An event; the slug is part of its page's address."""

    id: int
    slug: str


class WorldCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer with an access token that is valid for the whole run, and an unused refresh token."""

    id: int
    username: str
    access: str
    refresh: str = ""


class WorldPerson(WorldCustomer, frozen=True, kw_only=True):
    """A person of the cast.

    Attributes:
        order: Id of an order of this customer; empty for staff.
        stale: A token of this person with a role that the person no longer has.
    """

    order: str = ""
    stale: str = ""


class World(msgspec.Struct, frozen=True, kw_only=True):
    """world.json; keys that the driver doesn't need are ignored.

    Attributes:
        guests: Further customers, whose accounts only the guest uses.
        cast: `customer`, `other` (a second customer), `support`, `admin` → person.
        bad_tokens: Flaw → an access token with this flaw, which must be refused.
        bad_refreshes: What happened to the account → its refresh token, which must be refused.
        access_lifetime_s: Lifetime of access tokens in this run; None when the variant decides it.
        routes: Addresses that the variant serves, as `/api/events/{}/`.
    """

    variant: str
    password: str
    events: tuple[WorldEvent, ...]
    tiers: tuple[WorldTier, ...]
    customers: tuple[WorldCustomer, ...]
    guests: tuple[WorldCustomer, ...] = ()
    cast: dict[str, WorldPerson] = {}
    bad_tokens: dict[str, str] = {}
    bad_refreshes: dict[str, str] = {}
    access_lifetime_s: int | None = None
    routes: tuple[str, ...] = ()

    @property
    def settled(self) -> tuple[WorldCustomer, ...]:
        """The last tenth of the customers, whose sessions, passwords and names no journey changes or attacks."""
        return self.customers[-max(1, len(self.customers) // 10) :]

    def person(self, name: str) -> WorldPerson:
        """A person of the cast. Raises: ValueError when the world has none by that name."""
        if name not in self.cast:
            raise ValueError(f"world.json: cast: got no {name!r}, expected the cast of prepare")
        return self.cast[name]


def read(path: Path) -> World:
    """Read the world. Raises: ValueError, as `where: got X, expected Y`."""
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
