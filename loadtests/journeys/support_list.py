"""Support looks at everybody's orders, an admin at the sales; and a customer tries both."""

from __future__ import annotations

from chaos.model.accounts import UNPRIVILEGED, VALID
from chaos.model.history import fingerprint
from chaos.model.loadplan import LoadPlan
from loadtests.accounts import Accounts
from loadtests.journey import Arrival, Http, Journey
from loadtests.world import World

PATHS = {"support": "/api/support/orders/", "admin": "/api/admin/sales/"}


class SupportList(Journey):
    """GET /api/support/orders/ or GET /api/admin/sales/ by those who may; the same by a customer."""

    name = "support_list"
    follow_ups = ("trespass",)

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._accounts = Accounts(http)
        self._customer = world.person("customer")
        self._staff = [(world.person(role), path) for role, path in PATHS.items()]

    def run(self, arrival: Arrival) -> None:
        person, path = arrival.draws.choice(self._staff)
        self._accounts.get(
            self.name,
            path,
            access=person.access,
            customer=person.id,
            session=fingerprint(person.refresh),
            state=VALID,
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
