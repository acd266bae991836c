"""The content of a page of events: the fields that the world fixes, and the taken seats. No I/O."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from chaos.model.history import Outcome
from chaos.model.world import EventSeen, TierSeen, page_digest
from loadtests.journey import BAD_BODY, Reading, decoded, held, unless_ok


class _Venue(msgspec.Struct):
    name: str
    city: str


class _Performer(msgspec.Struct):
    name: str


class _Tier(msgspec.Struct):
    id: int
    name: str
    price_cents: int
    capacity: int
    remaining: int


class _Event(msgspec.Struct):
    id: int
    slug: str
    title: str
    starts_at: str
    venue: _Venue
    performers: list[_Performer]
    tiers: list[_Tier]


class _Page(msgspec.Struct):
    results: list[_Event]


_PAGE, _EVENT = msgspec.json.Decoder(_Page | list[_Event]), msgspec.json.Decoder(_Event)


def read_page(status: int, body: bytes) -> Reading:
    """A page of events, paginated or plain. Every world has events, so an empty page is a bad body."""
    return _page(body) if 200 <= status < 300 else unless_ok(status, body)


def read_event(status: int, body: bytes) -> Reading:
    """One event with its tiers."""
    return _event(body) if 200 <= status < 300 else unless_ok(status, body)


@lru_cache(maxsize=128)  # many answers have the same page
def _page(body: bytes) -> Reading:
    page = decoded(_PAGE, body)
    return BAD_BODY if page is None else _reading(page.results if isinstance(page, _Page) else page, body)


@lru_cache(maxsize=128)
def _event(body: bytes) -> Reading:
    event = decoded(_EVENT, body)
    return BAD_BODY if event is None else _reading([event], body)


def _reading(events: list[_Event], body: bytes) -> Reading:
    if not events or not all(event.tiers for event in events):
        return BAD_BODY
    events.sort(key=lambda event: (event.slug, event.id))
    for event in events:
        event.tiers.sort(key=lambda tier: tier.id)
    page = tuple(_seen(event) for event in events)
    taken = " ".join(str(tier.capacity - tier.remaining) for event in events for tier in event.tiers)
    return Reading(Outcome.OK, digest=held(body), seen=page_digest(page), seats=taken, page=page)


def _seen(event: _Event) -> EventSeen:
    return EventSeen(
        event.id,
        event.slug,
        event.title,
        _utc(event.starts_at),
        event.venue.name,
        event.venue.city,
        tuple(sorted(performer.name for performer in event.performers)),
        tuple(TierSeen(tier.id, tier.name, tier.price_cents, tier.capacity) for tier in event.tiers),
    )


def _utc(text: str) -> str:
    """The time in the form of the world file; the text itself, cut, when it is no time."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return text[:40]
