"""A customer reads another customer's order by its id, and the owner reads it, too."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from chaos.model.accounts import FOREIGN, VALID
from chaos.model.history import Outcome, fingerprint
from chaos.model.loadplan import LoadPlan
from loadtests.accounts import Accounts
from loadtests.journey import BAD_BODY, Arrival, Http, Journey, Reading, decoded, unless_ok
from loadtests.world import World, WorldPerson


class _Order(msgspec.Struct):
    id: str


class _Page(msgspec.Struct):
    results: list[_Order]


_ORDER, _PAGE = msgspec.json.Decoder(_Order), msgspec.json.Decoder(_Page | list[_Order])


def read_orders(owners: dict[str, int], asker: int, own: str = "") -> Callable[[int, bytes], Reading]:
    """One order or a list of orders; `shown` is the owner, a foreign one first, by *owners* (order → customer).

    Args:
        own: An order that has to be among them, as the contract promises; empty: none.
    """

    def read(status: int, body: bytes) -> Reading:
        if not 200 <= status < 300:
            return unless_ok(status, body)
        order = decoded(_ORDER, body)
        page = None if order is not None else decoded(_PAGE, body)
        if order is None and page is None:
            return BAD_BODY
        found = [order] if order is not None else page.results if isinstance(page, _Page) else page or []
        if own and all(one.id != own for one in found):
            return BAD_BODY
        foreign = next((one for one in found if owners.get(one.id, asker) != asker), None)
        shown = foreign or next(iter(found), None)
        return Reading(
            Outcome.OK, order=shown.id if shown else "", shown=owners.get(shown.id, asker) if shown else asker
        )

    return read


class ForeignOrder(Journey):
    """GET /api/orders/{id}/ of another customer's order; then the same by its owner, and the asking customer's list."""

    name = "foreign_order"
    follow_ups = ("own_list", "own_order")

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._accounts = Accounts(http)
        self._two = (world.person("customer"), world.person("other"))
        self._owners = {person.order: person.id for person in self._two}

    def run(self, arrival: Arrival) -> None:
        asker, owner = self._two if arrival.index % 2 else self._two[::-1]
        self._ask(self.name, f"/api/orders/{owner.order}/", asker, FOREIGN, order=owner.order, arrival=arrival)
        self._ask("own_order", f"/api/orders/{owner.order}/", owner, VALID, order=owner.order)
        self._ask("own_list", "/api/orders/", asker, VALID)

    def _ask(
        self, op: str, path: str, asker: WorldPerson, state: str, *, order: str = "", arrival: Arrival | None = None
    ) -> None:
        self._accounts.get(
            op,
            path,
            access=asker.access,
            customer=asker.id,
            session=fingerprint(asker.refresh),
            state=state,
            read=read_orders(self._owners, asker.id, own=asker.order if state == VALID else ""),
            order=order,
            arrival=arrival,
        )
