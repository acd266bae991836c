"""A customer reads the own account: the simplest use of a token."""

from __future__ import annotations

from chaos.model.accounts import VALID
from chaos.model.history import fingerprint
from chaos.model.loadplan import LoadPlan
from loadtests.accounts import ME, Accounts, read_account
from loadtests.journey import Arrival, Http, Journey
from loadtests.world import World


class Me(Journey):
    """GET /api/me/ with a token that must be accepted."""

    name = "me"

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._accounts = Accounts(http)
        self._customers = [(customer, fingerprint(customer.refresh)) for customer in world.settled]

    def run(self, arrival: Arrival) -> None:
        customer, session = arrival.draws.choice(self._customers)
        self._accounts.get(
            self.name,
            ME,
            access=customer.access,
            customer=customer.id,
            session=session,
            state=VALID,
            read=read_account,
            arrival=arrival,
        )
