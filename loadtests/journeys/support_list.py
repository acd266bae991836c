"""Support reads all orders, or an admin reads the sales; then a customer tries the same."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from chaos.model.accounts import UNPRIVILEGED, VALID
from chaos.model.history import Outcome, fingerprint
from chaos.model.loadplan import LoadPlan
from loadtests.accounts import Accounts
from loadtests.journey import BAD_BODY, Arrival, Http, Journey, Reading, decoded, unless_ok
from loadtests.world import World

PATHS = {"support": "/api/support/orders/", "admin": "/api/admin/sales/"}


class _Order(msgspec.Struct):
    id: str
    customer: str
    status: str


class _Page(msgspec.Struct):
    results: list[_Order]


class _Sales(msgspec.Struct):
    tier: int
    event: str
    paid_orders: int
    revenue_cents: int


_PAGE, _SALES = msgspec.json.Decoder(_Page | list[_Order]), msgspec.json.Decoder(list[_Sales])


def read_everybodys(status: int, body: bytes) -> Reading:
    """A page of distinct orders; `seen` is their number. The world is seeded with orders, so an empty page is bad."""
    if not 200 <= status < 300:
        return unless_ok(status, body)
    page = decoded(_PAGE, body)
    found = page.results if isinstance(page, _Page) else page or []
    once = len({order.id for order in found}) == len(found)
    return Reading(Outcome.OK, seen=f"{len(found)} orders") if found and once else BAD_BODY


def read_sales(world: World) -> Callable[[int, bytes], Reading]:
    """A row for each tier of *world*, with the slug of its event; `seen` is the number of paid orders."""
    tiers = {(tier.id, tier.event_slug) for tier in world.tiers}

    def read(status: int, body: bytes) -> Reading:
        if not 200 <= status < 300:
            return unless_ok(status, body)
        rows = decoded(_SALES, body) or []
        right = len(rows) == len(tiers) and {(row.tier, row.event) for row in rows} == tiers
        return Reading(Outcome.OK, seen=f"{sum(row.paid_orders for row in rows)} paid") if right else BAD_BODY

    return read


class SupportList(Journey):
    """GET /api/support/orders/ by support or GET /api/admin/sales/ by an admin; then the same by a customer."""

    name = "support_list"
    follow_ups = ("trespass",)

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._accounts = Accounts(http)
        self._customer = world.person("customer")
        readers = {"support": read_everybodys, "admin": read_sales(world)}
        self._staff = [(world.person(role), path, readers[role]) for role, path in PATHS.items()]

    def run(self, arrival: Arrival) -> None:
        person, path, read = arrival.draws.choice(self._staff)
        self._accounts.get(
            self.name,
            path,
            access=person.access,
            customer=person.id,
            session=fingerprint(person.refresh),
            state=VALID,
            read=read,
            arrival=arrival,
        )
        self._accounts.get(
            "trespass",
            path,
            access=self._customer.access,
            customer=self._customer.id,
            session=fingerprint(self._customer.refresh),
            state=UNPRIVILEGED,
        )
