"""`reads`: every read of the API, with few rows in the world and with many, and with an empty cache each time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from chaos.exchanges._source import Ground, Source, SourceParams, as_tuple
from chaos.model.exchange import PAGE_SIZE, Case, Identity
from chaos.model.units import Seconds
from chaos.model.world import World

MOST_ROWS = 100
"""As many as a page may have, so that one request reads them all."""
TRIES = 2
"""Times that each read is sent: what a process does only the first time is not counted as a cost of the read.

Before the last time the lab edits every row in place, so that an answer that was kept is an old one. With few rows a
kept answer only makes the growth larger.
"""


class Reads(SourceParams):
    """Every read of the API with few rows in the world, then with many; each list then has at least this many rows.

    The lab fills the world to the first number, sends the reads, fills it up to the second, and sends them again, each
    read twice at each size. Before the last time every title, name, city and reference is written anew in place;
    `within` later the new ones must be shown, so that an answer that was kept can't stand for a read. The shop's cache
    is emptied before each request; worker and relay are paused, so that every statement is the API's.
    """

    send: Literal["reads"]
    rows: tuple[int, int] = Field((5, 50), description="Events, orders of the customer, and orders of all: few, many.")
    within: Seconds = Field(6.0, gt=0, le=60, description="How soon a change has to be seen in every answer.")

    _two = field_validator("rows", mode="before")(as_tuple)


def _page(params: Reads, ground: Ground) -> str:
    """What asks for all rows at once; half of the seeds ask as the load does, for whom a page is as long as usual."""
    size = ground.size(params.section, params.rows[-1], MOST_ROWS)
    return "" if size % 2 and params.rows[-1] <= PAGE_SIZE else f"?page_size={size}"


class ReadsSource(Source):
    """See `Reads`."""

    name = "reads"
    params = Reads
    quiet: ClassVar[bool] = True
    compares: ClassVar[bool] = True

    def problems(self, params: Reads, world: World) -> Iterator[tuple[str, str]]:
        few, many = params.rows
        if not 1 <= few < many <= MOST_ROWS:
            yield "rows", f"got {list(params.rows)}, expected two numbers, 1 to {MOST_ROWS}, the second one larger"
        elif many > world.events:
            yield "rows", f"got {many} rows, expected at most as many as the world has events ({world.events})"

    def sizes(self, params: Reads) -> tuple[int, ...]:
        return params.rows

    def together(self, case: Case) -> tuple[str, object]:
        """One operation at both sizes; the other try is about what was kept."""
        return case.operation, case.about.get("try")

    def cases(self, params: Reads, ground: Ground) -> Iterator[Case]:
        number, page = count(1), _page(params, ground)
        slug = ground.world.events[0].slug
        order = ground.world.orders[0].order_id
        for rows in params.rows:
            asked: tuple[tuple[str, Identity, str], ...] = (
                ("listEvents", "anonymous", f"/api/events/{page}"),
                ("getEvent", "anonymous", f"/api/events/{slug}/"),
                ("getMe", "customer", "/api/me/"),
                ("listOrders", "customer", f"/api/orders/{page}"),
                ("getOrder", "customer", f"/api/orders/{order}/"),
                ("listAllOrders", "support", f"/api/support/orders/{page}"),
                ("listSales", "admin", "/api/admin/sales/"),
            )
            for again in range(TRIES):
                edition = int(rows == params.rows[-1] and again == TRIES - 1)
                for place, (operation, identity, path) in enumerate(asked):
                    yield Case(
                        id=f"{params.section}-{next(number)}",
                        section=params.section,
                        operation=operation,
                        identity=identity,
                        method="GET",
                        path=path,
                        rows=rows,
                        edition=edition,
                        wait_s=params.within if edition and not place else 0.0,
                        flush=True,
                        about={"try": again + 1},
                    )
                yield Case(  # of which nothing is counted: what the lab writes next falls into its time
                    id=f"{params.section}-{next(number)}", section=params.section, operation="getMe",
                    identity="customer", method="GET", path="/api/me/", about={"closes": True},
                )  # fmt: skip


KIND = ReadsSource()
