"""Tokens that were not issued by the API, or not for this API, or whose account does not permit them any more."""

from __future__ import annotations

from chaos.model.accounts import EXPIRED, FORGED, REVOKED
from chaos.model.loadplan import LoadPlan
from loadtests.accounts import ME, Accounts, read_account, read_done
from loadtests.journey import Arrival, Http, Journey
from loadtests.world import World

SALES = "/api/admin/sales/"
EXPIRES = ("expired_just_now", "expired_long_ago")
WITHDRAWN = ("deleted", "disabled", "password_changed")
# `expired_just_now` expired half a minute before the load was prepared, by the clock of the host that signed it.
BEFORE_THE_LOAD_S = -1.0


class Forged(Journey):
    """One bad token after the other.

    GET /api/me/ with access tokens, POST /api/auth/refresh/ with refresh tokens of withdrawn accounts, and
    GET /api/admin/sales/ with a role that only the token still has.
    """

    name = "forged"

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._http = http
        self._accounts = Accounts(http)
        self._customer = world.person("customer")
        self._tokens = [*sorted(world.bad_tokens.items()), ("stale_role", self._customer.stale)]
        self._refreshes = sorted(world.bad_refreshes.items())

    def run(self, arrival: Arrival) -> None:
        number = arrival.index % (len(self._tokens) + len(self._refreshes))
        if number < len(self._tokens):
            self._access(*self._tokens[number], arrival)
        else:
            self._refresh(*self._refreshes[number - len(self._tokens)], arrival)

    def _refresh(self, gone: str, token: str, arrival: Arrival) -> None:
        session = f"refresh_of_{gone}"
        call = self._accounts.refresh(
            self.name,
            token,
            customer=self._customer.id,
            session=session,
            state=REVOKED,
            read=read_done,
            arrival=arrival,
        )
        self._http.exchange(call)

    def _access(self, flaw: str, token: str, arrival: Arrival) -> None:
        state = EXPIRED if flaw in EXPIRES else REVOKED if flaw in WITHDRAWN else f"{FORGED}{flaw}"
        at_sales = flaw == "stale_role"
        self._accounts.get(
            self.name,
            SALES if at_sales else ME,
            access=token,
            customer=self._customer.id,
            session=flaw,
            state=state,
            read=read_done if at_sales else read_account,
            arrival=arrival,
            expires=BEFORE_THE_LOAD_S if state == EXPIRED else None,
        )
