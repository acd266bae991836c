"""`orders`: orders of one seat and of four, placed while everything works, so that they are paid and have tickets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from chaos.exchanges._source import Ground, Source, SourceParams, compact
from chaos.model.exchange import Case

SEATS = (1, 4)
"""Of an order: as few as there can be, and as many as the contract lets one have."""
TIMES = 2
SETTLES_S, FURTHER_S = 2.0, 1.0
"""Before the first look, and before each further one: a charge takes far less; one that takes longer leaves unknown
what its cancellation costs."""


class Orders(SourceParams):
    """Orders of the cast's customer, one seat and four, twice each, and a look at each after a while.

    For a section of `writes` behind it, which cancels them.
    """

    send: Literal["orders"]


def placed(section: str, number: int) -> str:
    """Id of the case that places order *number*, from 0 on."""
    return f"{section}-{number + 1}"


def looked(section: str, number: int) -> str:
    """Id of the case that looks at it afterwards."""
    return f"{section}-{len(SEATS) * TIMES + number + 1}"


class OrdersSource(Source):
    """See `Orders`."""

    name = "orders"
    params = Orders
    changes: ClassVar[bool] = True

    def together(self, case: Case) -> int:
        """An order of each size, and the looks at both."""
        number = int(case.id.rpartition("-")[2]) - 1
        return number % (len(SEATS) * TIMES) // len(SEATS)

    def cases(self, params: Orders, ground: Ground) -> Iterator[Case]:
        tier = max(ground.world.tiers, key=lambda tier: (tier.capacity, -tier.tier_id))
        for number, seats in enumerate(SEATS * TIMES):
            key = ground.key(params.section, number)
            yield Case(
                id=placed(params.section, number), section=params.section, operation="placeOrder", identity="customer",
                method="POST", path="/api/orders/",
                headers={"Idempotency-Key": key},
                body=compact({"tier": tier.tier_id, "quantity": seats, "reference": key}),
            )  # fmt: skip
        for number in range(len(SEATS) * TIMES):
            yield Case(
                id=looked(params.section, number), section=params.section, operation="getOrder", identity="customer",
                method="GET", path=f"/api/orders/<<{placed(params.section, number)}.id>>/",
                wait_s=FURTHER_S if number else SETTLES_S,
            )  # fmt: skip


KIND = OrdersSource()
