"""The life of a session: renewed, used, used again when its access token has expired, renewed again."""

from __future__ import annotations

from chaos.model.accounts import EXPIRED, VALID
from chaos.model.history import fingerprint
from chaos.model.loadplan import LoadPlan
from loadtests.accounts import ME, Accounts, Pair, PairReader, read_account
from loadtests.journey import Arrival, Http, Journey
from loadtests.world import World, WorldCustomer

# Added to the lifetime from the answer with the token on: the lifetime began before that, so it is certainly over.
AFTER_EXPIRY_S = 1.5


class Refresh(Journey):
    """POST /api/auth/refresh/, GET /api/me/; after the lifetime of the access token both again.

    Every arrival uses a session of its own: a shared session would look like a stolen token to the API.
    """

    name = "refresh"
    follow_ups = ("renew", "use")

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._http = http
        self._accounts = Accounts(http)
        self._customers = world.customers
        self._lifetime_s = world.access_lifetime_s

    def run(self, arrival: Arrival) -> None:
        if arrival.index >= len(self._customers):
            raise ValueError(f"world: got {len(self._customers)} customers, expected one for every arrival that renews")
        customer = self._customers[arrival.index]
        session = fingerprint(customer.refresh)
        pair = self._renew(customer, session, customer.refresh, arrival)
        if pair is None:
            return
        received_s = self._http.now_s()
        self._use(customer, session, pair.access, VALID)
        if self._lifetime_s is None:
            return
        expires = received_s + self._lifetime_s
        self._http.sleep_until(expires + AFTER_EXPIRY_S)
        if self._http.winding_down():
            return
        self._use(customer, session, pair.access, EXPIRED, expires=expires)
        if pair.refresh and (later := self._renew(customer, session, pair.refresh)) is not None:
            self._use(customer, session, later.access, VALID)

    def _renew(self, customer: WorldCustomer, session: str, token: str, arrival: Arrival | None = None) -> Pair | None:
        reader = PairReader()
        op = "renew" if arrival is None else self.name
        self._http.exchange(
            self._accounts.refresh(
                op, token, customer=customer.id, session=session, state=VALID, read=reader, arrival=arrival
            )
        )
        return reader.pair

    def _use(
        self, customer: WorldCustomer, session: str, access: str, state: str, *, expires: float | None = None
    ) -> None:
        self._accounts.get(
            "use",
            ME,
            access=access,
            customer=customer.id,
            session=session,
            state=state,
            read=read_account,
            expires=expires,
        )
