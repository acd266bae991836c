"""A liveness check, as an orchestrator sends it."""

from __future__ import annotations

from chaos.model.history import Outcome
from chaos.model.loadplan import LoadPlan
from loadtests.journey import Arrival, Call, Http, Journey, Reading, unless_ok
from loadtests.world import World

_OK = Reading(Outcome.OK)


def read_live(status: int, body: bytes) -> Reading:
    """Only the status counts."""
    return _OK if 200 <= status < 300 else unless_ok(status, body)


class Live(Journey):
    """GET /live, which must not depend on any dependency of the shop."""

    name = "live"

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._http = http
        self._head = http.head("GET", "/live")

    def run(self, arrival: Arrival) -> None:
        self._http.exchange(
            Call(
                op=self.name,
                method="GET",
                head=self._head,
                read=read_live,
                intended=arrival.intended,
                phase=arrival.phase,
            )
        )
