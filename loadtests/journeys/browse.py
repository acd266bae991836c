"""Somebody looks at the list of events."""

from __future__ import annotations

import msgspec

from chaos.model.history import Outcome
from chaos.model.loadplan import LoadPlan
from loadtests.journey import BAD_BODY, Arrival, Call, Http, Journey, Reading, decoded, unless_ok
from loadtests.world import World


class _Page(msgspec.Struct):
    results: list[msgspec.Raw]


_PAGE = msgspec.json.Decoder(_Page | list[msgspec.Raw])
_OK = Reading(Outcome.OK)


def read_page(status: int, body: bytes) -> Reading:
    """A page of events, paginated or plain. Every world has events, so an empty page is not what was promised."""
    if not 200 <= status < 300:
        return unless_ok(status, body)
    page = decoded(_PAGE, body)
    rows = page.results if isinstance(page, _Page) else page
    return _OK if rows else BAD_BODY


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
