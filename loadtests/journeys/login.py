"""A customer logs in. A password hash costs the API much CPU, so scenarios use a low rate of logins."""

from __future__ import annotations

import msgspec

from chaos.model.accounts import VALID
from chaos.model.history import fingerprint
from chaos.model.loadplan import LoadPlan
from loadtests.accounts import ME, Accounts, PairReader, read_account
from loadtests.journey import BAD_BODY, Arrival, Call, Http, Journey, Reading
from loadtests.world import World


class BothTokens(PairReader):
    """Reads a pair of tokens, of which a login has to give both."""

    def __call__(self, status: int, body: bytes) -> Reading:
        reading = super().__call__(status, body)
        if self.pair is None or self.pair.refresh:
            return reading
        self.pair = None
        return BAD_BODY


class Login(Journey):
    """POST /api/auth/token/ with the right password, then GET /api/me/ with the new token, which must be accepted."""

    name = "login"
    follow_ups = ("use",)

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._http = http
        self._accounts = Accounts(http)
        self._customers = world.settled
        self._password = world.password

    def run(self, arrival: Arrival) -> None:
        customer = arrival.draws.choice(self._customers)
        body = msgspec.json.encode({"username": customer.username, "password": self._password})
        tokens = BothTokens()
        self._http.exchange(
            Call(
                op=self.name,
                method="POST",
                head=self._http.head("POST", "/api/auth/token/", length=len(body)),
                body=body,
                read=tokens,
                intended=arrival.intended,
                phase=arrival.phase,
                customer=customer.id,
                token=customer.username,
                state=VALID,
            )
        )
        if tokens.pair is not None:
            self._accounts.get(
                "use",
                ME,
                access=tokens.pair.access,
                customer=customer.id,
                session=fingerprint(tokens.pair.refresh),
                state=VALID,
                read=read_account,
            )
