"""Somebody looks at one event."""

from __future__ import annotations

import msgspec

from chaos.model.history import Outcome
from chaos.model.loadplan import LoadPlan
from loadtests.journey import BAD_BODY, Arrival, Call, Http, Journey, Reading, decoded, unless_ok
from loadtests.world import World


class _Event(msgspec.Struct):
    slug: str
    tiers: list[msgspec.Raw]


_EVENT = msgspec.json.Decoder(_Event)
_OK = Reading(Outcome.OK)


def read_event(status: int, body: bytes) -> Reading:
    """An event with its tiers."""
    if not 200 <= status < 300:
        return unless_ok(status, body)
    event = decoded(_EVENT, body)
    return _OK if event is not None and event.slug and event.tiers else BAD_BODY


class Detail(Journey):
    """GET /api/events/{slug}/, anonymously."""

    name = "detail"

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._http = http
        self._heads = [http.head("GET", f"/api/events/{event.slug}/") for event in world.events]

    def run(self, arrival: Arrival) -> None:
        self._http.exchange(
            Call(
                op=self.name,
                method="GET",
                head=arrival.draws.choice(self._heads),
                read=read_event,
                intended=arrival.intended,
                phase=arrival.phase,
            )
        )
