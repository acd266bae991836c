"""One refresh token sent eight times at once, as a stolen token or a page in several tabs would be."""

from __future__ import annotations

import msgspec

from chaos.model.accounts import RACE
from chaos.model.history import fingerprint
from chaos.model.loadplan import LoadPlan
from loadtests.accounts import Accounts, PairReader
from loadtests.journey import Arrival, Http, Journey
from loadtests.world import World

RACERS = 8


class RefreshRace(Journey):
    """POST /api/auth/refresh/ with the same token, eight times at once; a session for every arrival."""

    name = "refresh_race"
    follow_ups = ("refresh_race_again",)

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._http = http
        self._accounts = Accounts(http)
        self._customers = world.customers

    def run(self, arrival: Arrival) -> None:
        if arrival.index >= len(self._customers):
            raise ValueError(f"world: got {len(self._customers)} customers, expected one for every race")
        customer = self._customers[arrival.index]
        first = self._accounts.refresh(
            self.name,
            customer.refresh,
            customer=customer.id,
            session=fingerprint(customer.refresh),
            state=RACE,
            read=PairReader(),
            arrival=arrival,
        )
        others = [
            self._http.beside(msgspec.structs.replace(first, main=False, attempt=attempt, read=first.read))
            for attempt in range(2, RACERS + 1)
        ]
        self._http.exchange(first)
        for other in others:
            other()
