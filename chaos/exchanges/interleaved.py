"""`interleaved`: two actors, of which the first is held in the database while the second one goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from chaos.exchanges._source import Ground, Source, SourceParams
from chaos.model.exchange import Case
from chaos.model.interleaving import HELD_AT_MOST_S, PAIRS, PEOPLE
from chaos.model.world import World

LEARNT = {1: 1, 2: 2}
"""Preemptions → first runs: of A alone, and with two preemptions also of B alone. Each needs a scene of its own."""
MOST_SCHEDULES = 200


class Interleaved(SourceParams):
    """Two requests, or a request and a task: B runs at every point between two writes of A.

    A first run of A alone shows its stops: before each write, and before each commit. Then, once for each stop, A is
    held there in the database until B has ended or waits for a lock of A's; then A goes on. Each schedule has a tier,
    customers, orders and keys of its own, so that the invariants judge all of them at once.
    See docs/learn/interleaving.md.
    """

    send: Literal["interleaved"]
    pair: tuple[str, str] = Field(
        description=f"A, who is held, and B: one of {', '.join(f'[{a}, {b}]' for a, b in PAIRS)}."
    )
    preemptions: Literal[1, 2] = Field(
        1, description="2: B is held as well, at each of its own stops, while A goes on: A's stops × B's schedules."
    )
    at_most: int = Field(
        12,
        ge=1,
        le=MOST_SCHEDULES,
        description="Schedules. The world needs a tier for each, hot ones where seats run out, and one or two more.",
    )
    hold: float = Field(
        HELD_AT_MOST_S, gt=0, le=HELD_AT_MOST_S, description="Seconds that A is held when B neither ends nor waits."
    )

    only: str = Field(
        "", pattern=r"^([wc]\d+(-[wc]\d+)?)?$", description="One schedule, such as `w2`; all unless told."
    )

    @field_validator("pair", mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        pair = tuple(value) if isinstance(value, list) else value
        if pair not in PAIRS:
            expected = ", ".join(f"[{a}, {b}]" for a, b in PAIRS)
            raise ValueError(f"expected one of {expected}")
        return pair

    @property
    def places(self) -> int:
        """Largest number of scenes; each needs tiers and customers of its own."""
        return self.at_most + LEARNT[self.preemptions]


OPERATIONS: Mapping[str, frozenset[str]] = {
    "buy": frozenset({"buy"}),
    "buy_again": frozenset({"buy"}),
    "cancel": frozenset({"buy", "poll", "cancel"}),
    "charge": frozenset({"buy", "poll"}),
    "refresh": frozenset({"refresh_race", "renew", "use"}),
    "logout": frozenset({"renew", "use", "revoke"}),
    "password": frozenset({"renew", "use", "change_password"}),
}
"""Role of a pair → operations in the history: its own, and those before and after it."""


class InterleavedSource(Source):
    """See `Interleaved`. Its requests are decided during the run, by the stops at which A can be held."""

    name = "interleaved"
    params = Interleaved
    forces: ClassVar[bool] = True
    history: ClassVar[frozenset[str]] = frozenset().union(*OPERATIONS.values())

    def performed(self, params: Interleaved) -> frozenset[str]:
        return frozenset().union(*(OPERATIONS[role] for role in params.pair))

    def problems(self, params: Interleaved, world: World) -> Iterator[tuple[str, str]]:
        people = PEOPLE[params.pair] * params.places
        if people > world.customers:
            yield "at_most", f"got a pair that needs {people} customers, expected at most the world's {world.customers}"
        large = world.events * LARGE_TIERS_AN_EVENT
        if params.pair in WITH_FEW_SEATS and params.places > world.hot_tiers:
            yield "at_most", f"got a pair that needs {params.places} hot tiers, expected at most the {world.hot_tiers}"
        elif params.pair not in WITH_FEW_SEATS and params.pair[0] in WITH_ORDERS and params.places > large:
            expected = f"at most the {large} that {world.events} events have besides hot ones"
            yield "at_most", f"got a pair that needs {params.places} tiers, expected {expected}"

    def cases(self, params: Interleaved, ground: Ground) -> Iterator[Case]:
        yield from ()


WITH_FEW_SEATS = frozenset({("buy", "buy"), ("cancel", "cancel")})
"""Pairs whose tiers have to sell out."""
WITH_ORDERS = frozenset({"buy", "cancel", "charge"})
LARGE_TIERS_AN_EVENT = 2

KIND = InterleavedSource()
