"""`change`: read, change a price, and read again when the change must be visible."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Literal

from pydantic import Field

from chaos.exchanges._source import Ground, Source, SourceParams
from chaos.model.exchange import Case
from chaos.model.units import Seconds

READINGS = 6
"""Times that each read is sent: the API has two processes, and each may have a cache of its own."""
HIGHEST_CENTS = 1_000
MOST_ROWS = 100
"""As many as a page may have."""


class Change(SourceParams):
    """An event and the list of events are read, then an admin changes the price of one of the event's tiers.

    Both are read again several times after `within`, since each process of the shop may have a cache of its own.
    """

    send: Literal["change"]
    within: Seconds = Field(6.0, gt=0, le=60, description="How soon a change has to be seen in every answer.")


class ChangeSource(Source):
    """See `Change`."""

    name = "change"
    params = Change

    def together(self, case: Case) -> str:
        """All of it: what is read before, the change, and what is read after."""
        return case.section

    def cases(self, params: Change, ground: Ground) -> Iterator[Case]:
        number = count(1)
        event = ground.world.events[0]
        tier = next(tier for tier in ground.world.tiers if tier.event_slug == event.slug)
        price = tier.price_cents + 100 * (1 + ground.seed % (HIGHEST_CENTS // 100))
        # Wherever the event stands among those that are added until then, it is on the page.
        whole = min(max(ground.events, len(ground.world.events)), MOST_ROWS)
        most = ground.size(params.section, whole, MOST_ROWS)
        reads = (
            ("getEvent", f"/api/events/{event.slug}/"),
            ("listEvents", f"/api/events/?page_size={most}"),
        )
        about = {"tier": tier.tier_id, "price_cents": price}

        def read(operation: str, path: str, when: str, wait_s: float = 0.0) -> Case:
            return Case(
                id=f"{params.section}-{next(number)}", section=params.section, operation=operation,
                identity="anonymous", method="GET", path=path, wait_s=wait_s, about={**about, "when": when},
            )  # fmt: skip

        for operation, path in reads * READINGS:
            yield read(operation, path, "before")
        yield Case(
            id=f"{params.section}-{next(number)}", section=params.section, operation="changeTier", identity="admin",
            method="PATCH", path=f"/api/admin/tiers/{tier.tier_id}/", body=f'{{"price_cents": {price}}}',
            about={**about, "when": "change"},
        )  # fmt: skip
        for place, (operation, path) in enumerate(reads * READINGS):
            yield read(operation, path, "after", 0.0 if place else params.within)


KIND = ChangeSource()
