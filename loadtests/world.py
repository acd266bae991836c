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
    """A customer with an access token that outlives the run."""

    id: int
    username: str
    access: str


class World(msgspec.Struct, frozen=True, kw_only=True):
    """world.json; keys that the driver doesn't need are ignored."""

    variant: str
    password: str
    events: tuple[WorldEvent, ...]
    tiers: tuple[WorldTier, ...]
    customers: tuple[WorldCustomer, ...]


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
