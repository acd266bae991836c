"""`writes`: every write of the API that has a size, with the fewest seats and with the most that an order may have."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, ClassVar, Literal

from pydantic import Field

from chaos.exchanges._source import Ground, Source, SourceParams, compact
from chaos.exchanges.orders import SEATS, TIMES, looked, placed
from chaos.model.exchange import Case, Identity, Method

RAISED_CENTS = 100


class Writes(SourceParams):
    """An order is placed and a paid one is cancelled, for one seat and for four each, and a price is changed.

    Each twice: what a process does once in its life is no cost of the write. Worker and relay stand still, so that
    every statement is the API's. Belongs behind all sections that compare the world with what was seeded.
    """

    send: Literal["writes"]
    of: str = Field("orders", description="Section of the source `orders` whose orders are cancelled.")


class WritesSource(Source):
    """See `Writes`."""

    name = "writes"
    params = Writes
    quiet: ClassVar[bool] = True
    changes: ClassVar[bool] = True

    def behind(self, params: Writes) -> tuple[str, str]:
        """Its orders have to be placed."""
        return "of", "orders"

    def together(self, case: Case) -> str:
        """One operation with few seats and with many."""
        return case.operation

    def cases(self, params: Writes, ground: Ground) -> Iterator[Case]:
        numbers = count(1)
        tier = max(ground.world.tiers, key=lambda tier: (tier.capacity, -tier.tier_id))

        def write(operation: str, identity: Identity, method: Method, path: str, body: Any, **about: Any) -> Case:
            own = next(numbers)
            if operation == "placeOrder":
                body = body | {"reference": ground.key(params.section, own)}
            return Case(
                id=f"{params.section}-{own}", section=params.section, operation=operation, identity=identity,
                method=method, path=path, body=None if body is None else compact(body),
                headers={"Idempotency-Key": body["reference"]} if operation == "placeOrder" else {}, about=about,
            )  # fmt: skip

        for number, seats in enumerate(SEATS * TIMES):
            body = {"tier": tier.tier_id, "quantity": seats}
            yield write("placeOrder", "customer", "POST", "/api/orders/", body, seats=seats)
            path = f"/api/orders/<<{placed(params.of, number)}.id>>/cancel/"
            yield write("cancelOrder", "customer", "POST", path, None, seats=seats, paid=looked(params.of, number))
        for number in range(TIMES):
            price = {"price_cents": tier.price_cents + RAISED_CENTS * (number + 1)}
            yield write("changeTier", "admin", "PATCH", f"/api/admin/tiers/{tier.tier_id}/", price, seats=0)


KIND = WritesSource()
