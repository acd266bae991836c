"""A customer changes the password, as after a theft of password and tokens.

All customers take the same new password, as people do; the shop's stored hashes have to differ nevertheless.
"""

from __future__ import annotations

from chaos.model.accounts import ENDS_SESSION, REVOKED
from chaos.model.history import Outcome, fingerprint
from chaos.model.loadplan import LoadPlan
from loadtests.accounts import ME, Accounts, PairReader, read_account
from loadtests.journey import Arrival, Http, Journey
from loadtests.world import World


class ChangePassword(Journey):
    """PATCH /api/me/ with a new password, then both old tokens. It costs the API two password hashes: use low rates."""

    name = "change_password"
    follow_ups = ("renew", "use")

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._http = http
        self._accounts = Accounts(http)
        self._customers = world.customers
        self._password = world.password

    def run(self, arrival: Arrival) -> None:
        if arrival.index >= len(self._customers):
            raise ValueError(f"world: got {len(self._customers)} customers, expected one for every new password")
        customer = self._customers[arrival.index]
        session = fingerprint(customer.refresh)
        change = self._accounts.send(
            self.name,
            "PATCH",
            ME,
            {"password": f"{self._password}-new", "current_password": self._password},
            access=customer.access,
            customer=customer.id,
            session=session,
            state=ENDS_SESSION,
            read=read_account,
            arrival=arrival,
        )
        if self._http.exchange(change).outcome is not Outcome.OK:
            return
        self._accounts.get(
            "use",
            ME,
            access=customer.access,
            customer=customer.id,
            session=session,
            state=REVOKED,
            read=read_account,
        )
        self._http.exchange(
            self._accounts.refresh(
                "renew",
                customer.refresh,
                customer=customer.id,
                session=session,
                state=REVOKED,
                read=PairReader(),
            )
        )
