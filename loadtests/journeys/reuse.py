"""A refresh token is used twice in a row: one of its two users must have stolen it."""

from __future__ import annotations

from chaos.model.accounts import REVOKED, USED_UP, VALID
from chaos.model.history import Outcome, fingerprint
from chaos.model.loadplan import LoadPlan
from loadtests.accounts import ME, Accounts, PairReader, read_account
from loadtests.journey import Arrival, Http, Journey
from loadtests.world import World


class Reuse(Journey):
    """POST /api/auth/refresh/, the same again, then GET /api/me/ and POST /api/auth/refresh/ with the first's tokens.

    The refusal of the second one ends the session, since the API can't tell which of the two users is the thief.
    """

    name = "reuse"
    follow_ups = ("renew", "reuse_again", "use")

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._http = http
        self._accounts = Accounts(http)
        self._customers = world.customers

    def run(self, arrival: Arrival) -> None:
        if arrival.index >= len(self._customers):
            raise ValueError(f"world: got {len(self._customers)} customers, expected one for every reuse")
        customer = self._customers[arrival.index]
        session = fingerprint(customer.refresh)
        first = PairReader()
        renewed = self._accounts.refresh(
            self.name, customer.refresh, customer=customer.id, session=session, state=VALID, read=first, arrival=arrival
        )
        self._http.exchange(renewed)
        if first.pair is None:
            return
        again = self._accounts.refresh(
            self.name, customer.refresh, customer=customer.id, session=session, state=USED_UP, read=PairReader()
        )
        again.attempt = 2
        if self._http.exchange(again).outcome is not Outcome.FAIL:
            return
        self._accounts.get(
            "use",
            ME,
            access=first.pair.access,
            customer=customer.id,
            session=session,
            state=REVOKED,
            read=read_account,
        )
        if first.pair.refresh:
            self._http.exchange(
                self._accounts.refresh(
                    "renew",
                    first.pair.refresh,
                    customer=customer.id,
                    session=session,
                    state=REVOKED,
                    read=PairReader(),
                )
            )
