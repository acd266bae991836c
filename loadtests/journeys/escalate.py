"""A customer tries to become an admin, logs in again, and sends a request that only admins may send."""

from __future__ import annotations

from chaos.model.accounts import FORBIDDEN, UNPRIVILEGED, VALID
from chaos.model.history import fingerprint
from chaos.model.loadplan import LoadPlan
from loadtests.accounts import ME, Accounts, PairReader, read_account, refusing
from loadtests.journey import Arrival, Http, Journey
from loadtests.world import World

SALES = "/api/admin/sales/"
BAD_REQUEST = 400


class Escalate(Journey):
    """PATCH /api/me/ with a role, POST /api/auth/token/, GET /api/admin/sales/. One password hash: use low rates.

    The PATCH may be answered 200 or refused; its effect shows in the rights of the next token.
    """

    name = "escalate"
    follow_ups = ("trespass",)

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._http = http
        self._accounts = Accounts(http)
        self._customers = world.customers
        self._password = world.password

    def run(self, arrival: Arrival) -> None:
        customer = self._customers[arrival.index % len(self._customers)]
        session = fingerprint(customer.refresh)
        change = self._accounts.send(
            self.name,
            "PATCH",
            ME,
            {"role": "admin"},
            access=customer.access,
            customer=customer.id,
            session=session,
            state="",
            read=refusing(BAD_REQUEST, FORBIDDEN)(read_account),
            arrival=arrival,
        )
        self._http.exchange(change)
        login = PairReader()
        self._http.exchange(
            self._accounts.send(
                "trespass",
                "POST",
                "/api/auth/token/",
                {"username": customer.username, "password": self._password},
                customer=customer.id,
                session=customer.username,
                state=VALID,
                read=login,
            )
        )
        if login.pair is not None:
            self._accounts.get(
                "trespass",
                SALES,
                access=login.pair.access,
                customer=customer.id,
                session=session,
                state=UNPRIVILEGED,
            )
