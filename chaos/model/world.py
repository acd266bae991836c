"""The seeded world as the lab planned it: world.json, the witness for capacity, prices and names.

The load driver records what the pages showed in the same form (`EventSeen`), so the judge only has to compare.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TypeAlias

import msgspec

from chaos.model.history import fingerprint


class TierSeen(msgspec.Struct, frozen=True, array_like=True):
    """A tier as a page of events shows it, without what changes."""

    id: int
    name: str
    price_cents: int
    capacity: int


class EventSeen(msgspec.Struct, frozen=True, array_like=True):
    """An event as a page shows it, without what changes; *performers* and *tiers* are sorted.

    Attributes:
        starts: ISO 8601 in UTC, to the second; a text that is not a time is kept as it is.
    """

    id: int
    slug: str
    title: str
    starts: str
    venue: str
    city: str
    performers: tuple[str, ...]
    tiers: tuple[TierSeen, ...]


Page: TypeAlias = tuple[EventSeen, ...]
"""What one answer showed, sorted by slug."""


def page_digest(page: Page) -> str:
    """Stands for *page* in the history."""
    return fingerprint(msgspec.json.encode(page))


class SeededTier(msgspec.Struct, frozen=True, kw_only=True):
    """A tier of the world file; `tier_id` is the shop's, the rest is the lab's plan."""

    tier_id: int = msgspec.field(name="id")
    event_slug: str
    name: str
    price_cents: int
    capacity: int


class SeededEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the world file."""

    event_id: int = msgspec.field(name="id")
    slug: str
    title: str
    starts_at: str
    venue: str
    city: str
    performers: tuple[str, ...]


class SeededOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order of the cast's customer that was there when the run began, or that the lab filled in; newest first."""

    order_id: str = msgspec.field(name="id")
    customer: str
    tier: int
    quantity: int
    amount_cents: int
    reference: str
    status: str
    created_at: str
    tickets: tuple[str, ...]


class SeededPerson(msgspec.Struct, frozen=True, kw_only=True):
    """One of the cast; *order* is the id of the refused order that each customer of the cast has besides."""

    id: int
    username: str
    email: str = ""
    order: str = ""


class SeededCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer of the load; runs of before the lab wrote addresses have no *email*."""

    id: int
    email: str = ""


class SeededWorld(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What judging reads of world.json.

    Attributes:
        routes: Templates of the addresses that the variant served, `/api/events/{}/`; empty when nobody looked.
    """

    events: tuple[SeededEvent, ...]
    tiers: tuple[SeededTier, ...]
    orders: tuple[SeededOrder, ...] = ()
    cast: dict[str, SeededPerson] = {}
    customers: tuple[SeededCustomer, ...] = ()
    guests: tuple[SeededCustomer, ...] = ()
    routes: tuple[str, ...] = ()

    @cached_property
    def by_tier(self) -> dict[int, SeededTier]:
        """Tiers by their id."""
        return {tier.tier_id: tier for tier in self.tiers}

    @cached_property
    def email_of(self) -> dict[int, str]:
        """E-mail addresses by the customer's id, of those whose address no run changes; older files have none."""
        return {person.id: person.email.lower() for person in (*self.customers, *self.guests) if person.email}

    @cached_property
    def by_slug(self) -> dict[str, EventSeen]:
        """What a page has to show of each event."""
        return {
            event.slug: EventSeen(
                event.event_id,
                event.slug,
                event.title,
                event.starts_at,
                event.venue,
                event.city,
                tuple(sorted(event.performers)),
                tuple(
                    TierSeen(tier.tier_id, tier.name, tier.price_cents, tier.capacity)
                    for tier in sorted(self.tiers, key=lambda tier: tier.tier_id)
                    if tier.event_slug == event.slug
                ),
            )
            for event in self.events
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Seeded data: how many of what; *seats* is the capacity of each hot tier.

    Attributes:
        old_orders: Refused orders of all customers, between those of the cast's customer; None for none.
        access_lifetime_s: How long access tokens live in this run; None leaves it to the variant.
    """

    events: int = 5
    hot_tiers: int = 1
    seats: int = 150
    customers: int = 200
    old_orders: int | None = None
    access_lifetime_s: int | None = None

    def asked(self) -> dict[str, int]:
        """The parameters for `prepare`; those that are None are absent."""
        return {name: value for name, value in asdict(self).items() if value is not None}
