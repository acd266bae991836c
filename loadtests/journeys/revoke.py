"""A customer logs out, and a thief goes on trying the tokens."""

from __future__ import annotations

from chaos.model.accounts import ENDS_SESSION, REVOKED
from chaos.model.history import Outcome, fingerprint
from chaos.model.loadplan import LoadPlan
from loadtests.accounts import ME, Accounts, PairReader, read_account, read_done
from loadtests.journey import Arrival, Http, Journey
from loadtests.world import World

TRIED_AFTER_S = (0.0, 1.0, 3.0, 6.0)
"""Seconds after the logout at which the access token is tried: at once, and later, when a fault may be held."""


class Revoke(Journey):
    """POST /api/auth/logout/, then GET /api/me/ several times, and POST /api/auth/refresh/ at last.

    Every arrival ends a session of its own. Tokens count as revoked only after the logout was acknowledged: without an
    answer it is not known whether the session ended.
    """

    name = "revoke"
    follow_ups = ("renew", "use")

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._http = http
        self._accounts = Accounts(http)
        self._customers = world.customers

    def run(self, arrival: Arrival) -> None:
        if arrival.index >= len(self._customers):
            raise ValueError(f"world: got {len(self._customers)} customers, expected one for every logout")
        customer = self._customers[arrival.index]
        session = fingerprint(customer.refresh)
        logout = self._accounts.send(
            self.name,
            "POST",
            "/api/auth/logout/",
            {"refresh": customer.refresh},
            access=customer.access,
            customer=customer.id,
            session=session,
            state=ENDS_SESSION,
            read=read_done,
            arrival=arrival,
        )
        if self._http.exchange(logout).outcome is not Outcome.OK:
            return
        began_s = self._http.now_s()
        for after_s in TRIED_AFTER_S:
            self._http.sleep_until(began_s + after_s)
            if self._http.winding_down():
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
