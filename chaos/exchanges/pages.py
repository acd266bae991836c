"""`pages`: the first page of each list and one deep down, in a world with many rows, and one beyond all of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import ClassVar, Literal

from pydantic import Field

from chaos.exchanges._source import Ground, Source, SourceParams
from chaos.model.exchange import Case, Identity
from chaos.model.world import World

SIZES = (8, 12)
"""Fewest and most rows of a page; the seed picks."""
MOST_ROWS = 500
DEPTH = 10_000
"""Rows that a list leads to, by the contract; a page that begins behind them is 404."""
FEWEST_ROWS = 100
"""With fewer rows, reading all of them would hardly differ from reading a page."""


class Pages(SourceParams):
    """The first page of each list, then one near the end, of about ten rows each, in a world with `rows` rows.

    In a world with more than 10,000 `old_orders` the list of all orders is asked for a page that begins behind 10,000
    rows, too, where the contract has the lists end.

    The lab runs their statements once more under EXPLAIN (ANALYZE, BUFFERS), which shows how much they read.
    """

    send: Literal["pages"]
    rows: int = Field(400, ge=FEWEST_ROWS, le=MOST_ROWS, description="Events, orders of the customer, and of all.")


class PagesSource(Source):
    """See `Pages`."""

    name = "pages"
    params = Pages
    quiet: ClassVar[bool] = True

    def problems(self, params: Pages, world: World) -> Iterator[tuple[str, str]]:
        if params.rows > world.events:
            yield "rows", f"got {params.rows} rows, expected at most as many as the world has events ({world.events})"

    def sizes(self, params: Pages) -> tuple[int, ...]:
        return (params.rows,)

    def cases(self, params: Pages, ground: Ground) -> Iterator[Case]:
        number, size = count(1), ground.size(params.section, *SIZES)
        lists: tuple[tuple[str, Identity, str], ...] = (
            ("listEvents", "anonymous", "/api/events/"),
            ("listOrders", "customer", "/api/orders/"),
            ("listAllOrders", "support", "/api/support/orders/"),
        )
        for page in (1, params.rows // size - 1):
            for operation, identity, path in lists:
                yield Case(
                    id=f"{params.section}-{next(number)}",
                    section=params.section,
                    operation=operation,
                    identity=identity,
                    method="GET",
                    path=f"{path}?page={page}&page_size={size}",
                    rows=params.rows,
                    flush=True,
                    explain=True,
                    about={"page": page, "page_size": size},
                )
        if ground.old_orders >= DEPTH + 2 * size:
            yield Case(
                id=f"{params.section}-{next(number)}",
                section=params.section,
                operation="listAllOrders",
                identity="support",
                method="GET",
                path=f"/api/support/orders/?page={DEPTH // size + 2}&page_size={size}",
                rows=params.rows,
                flush=True,
                about={"behind": (DEPTH // size + 1) * size},
            )


KIND = PagesSource()
