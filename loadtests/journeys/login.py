"""A customer logs in. A password hash costs the API much CPU, so scenarios give this a low rate of its own."""

from __future__ import annotations

import msgspec

from chaos.model.accounts import VALID
from chaos.model.history import Outcome
from chaos.model.loadplan import LoadPlan
from loadtests.journey import BAD_BODY, Arrival, Call, Http, Journey, Reading, decoded, unless_ok
from loadtests.world import World


class _Tokens(msgspec.Struct):
    access: str
    refresh: str


_TOKENS = msgspec.json.Decoder(_Tokens)
_OK = Reading(Outcome.OK)


def read_tokens(status: int, body: bytes) -> Reading:
    """An access and a refresh token."""
    if not 200 <= status < 300:
        return unless_ok(status, body)
    tokens = decoded(_TOKENS, body)
    return _OK if tokens is not None and tokens.access and tokens.refresh else BAD_BODY


class Login(Journey):
    """POST /api/auth/token/ with the right password."""

    name = "login"

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._http = http
        self._customers = world.settled
        self._password = world.password

    def run(self, arrival: Arrival) -> None:
        customer = arrival.draws.choice(self._customers)
        body = msgspec.json.encode({"username": customer.username, "password": self._password})
        self._http.exchange(
            Call(
                op=self.name,
                method="POST",
                head=self._http.head("POST", "/api/auth/token/", length=len(body)),
                body=body,
                read=read_tokens,
                intended=arrival.intended,
                phase=arrival.phase,
                customer=customer.id,
                token=customer.username,
                state=VALID,
            )
        )
