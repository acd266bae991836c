"""An anonymous visitor reads the list of events."""

from __future__ import annotations

from chaos.model.loadplan import LoadPlan
from loadtests.journey import Arrival, Call, Http, Journey
from loadtests.pages import read_page
from loadtests.world import World


class Browse(Journey):
    """GET /api/events/, anonymously."""

    name = "browse"

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._http = http
        self._head = http.head("GET", "/api/events/")

    def run(self, arrival: Arrival) -> None:
        self._http.exchange(
            Call(
                op=self.name,
                method="GET",
                head=self._head,
                read=read_page,
                intended=arrival.intended,
                phase=arrival.phase,
            )
        )
