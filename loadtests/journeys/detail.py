"""An anonymous visitor reads one event."""

from __future__ import annotations

from chaos.model.loadplan import LoadPlan
from loadtests.journey import Arrival, Call, Http, Journey
from loadtests.pages import read_event
from loadtests.world import World


class Detail(Journey):
    """GET /api/events/{slug}/, anonymously."""

    name = "detail"

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._http = http
        self._pages = [(event.slug, http.head("GET", f"/api/events/{event.slug}/")) for event in world.events]

    def run(self, arrival: Arrival) -> None:
        slug, head = arrival.draws.choice(self._pages)
        self._http.exchange(
            Call(
                op=self.name,
                method="GET",
                head=head,
                about=slug,
                read=read_event,
                intended=arrival.intended,
                phase=arrival.phase,
            )
        )
