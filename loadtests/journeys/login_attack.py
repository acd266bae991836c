"""An attacker guesses passwords, many at once, for a username that exists and for one that does not."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from chaos.model.accounts import GUESS, GUESS_UNKNOWN, TOO_MANY, UNAUTHENTICATED
from chaos.model.history import fingerprint
from chaos.model.loadplan import LoadPlan
from loadtests.accounts import Accounts, PairReader, refusing
from loadtests.journey import Arrival, Call, Http, Journey, Reading
from loadtests.world import World

GUESSES = 10
# The commonest passwords. Source: published lists of common passwords, all of which have these.
COMMON = ("123456", "password", "qwerty", "iloveyou", "111111", "abc123", "letmein", "monkey", "dragon", "welcome1")


class LoginAttack(Journey):
    """POST /api/auth/token/ with wrong passwords, all at once: ten for one customer, one for an unknown username.

    Every arrival attacks another customer, so that a limit reached by one attack does not protect the next victim.
    """

    name = "login_attack"
    follow_ups = ("login_attack_again",)

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._http = http
        self._accounts = Accounts(http)
        self._customers = world.customers
        self._known = {customer.username for customer in (*world.customers, *world.guests, *world.cast.values())}

    def run(self, arrival: Arrival) -> None:
        if arrival.index >= len(self._customers):
            raise ValueError(f"world: got {len(self._customers)} customers, expected one for every attack")
        victim = self._customers[arrival.index]
        first = self._guess(victim.username, 0, GUESS, arrival)
        others = [self._again(self._guess(victim.username, number, GUESS), number + 1) for number in range(1, GUESSES)]
        others.append(self._again(self._guess(self._strangers_name(arrival), 0, GUESS_UNKNOWN), GUESSES + 1))
        self._http.exchange(first)
        for other in others:
            other()

    def _strangers_name(self, arrival: Arrival) -> str:
        """A username that no account has but that looks like a real one."""
        while (name := f"{arrival.draws.choice(self._customers).username}{arrival.draws.below(100)}") in self._known:
            pass
        return name

    def _guess(self, username: str, number: int, state: str, arrival: Arrival | None = None) -> Call:
        return self._accounts.send(
            self.name,
            "POST",
            "/api/auth/token/",
            {"username": username, "password": COMMON[number]},
            customer=None,
            session=username,
            state=state,
            read=_with_digest(refusing(UNAUTHENTICATED, TOO_MANY)(PairReader())),
            arrival=arrival,
        )

    def _again(self, call: Call, attempt: int) -> Callable[[], Reading]:
        return self._http.beside(msgspec.structs.replace(call, main=False, attempt=attempt))


def _with_digest(read: Callable[[int, bytes], Reading]) -> Callable[[int, bytes], Reading]:
    def reading(status: int, body: bytes) -> Reading:
        return msgspec.structs.replace(read(status, body), digest=fingerprint(body))

    return reading
