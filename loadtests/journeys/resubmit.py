"""A customer's client sends the same order several times, and once another order under the same key."""

from __future__ import annotations

import msgspec

from chaos.model.history import Outcome
from chaos.model.loadplan import LoadPlan
from loadtests.journey import Arrival, Call, Http, Journey, Reading
from loadtests.journeys import buy
from loadtests.world import World

KEY_REUSED = (422, "key_reused")


def read_other_body(status: int, body: bytes) -> Reading:
    """The refusal of a key that belongs to another request, which may still be in flight."""
    return buy.read_order_or(status, body, frozenset({KEY_REUSED, buy.KEY_IN_FLIGHT, buy.SOLD_OUT}))


class Resubmit(Journey):
    """POST /api/orders/ twice at once, again after the answer, once with other seats; then polls, and a late poll."""

    name = "resubmit"
    follow_ups = ("resubmit_again", "poll")

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._http = http
        self._buyer = buy.Buy(plan=plan, world=world, http=http)
        self._customers = world.customers

    def run(self, arrival: Arrival) -> None:
        customer = arrival.draws.choice(self._customers)
        call = self._buyer.request(arrival, customer, op=self.name, read=buy.read_clicked_twice)
        beside = self._http.beside(msgspec.structs.replace(call, main=False, attempt=2))
        answers = [self._http.exchange(call), beside()]
        accepted = next((answer for answer in answers if answer.outcome is Outcome.OK), None)
        if accepted is None or self._http.winding_down():
            return
        self._http.exchange(self._later(call, attempt=3))
        other = 1 + call.quantity % buy.MAX_QUANTITY
        self._http.exchange(self._later(self._buyer.with_quantity(call, customer, other), attempt=4))
        if accepted.order_status not in buy.FINAL:
            self._buyer.watch(accepted.order, customer)
        self._buyer.look(accepted.order, customer, self._http.now_s() + buy.LAST_LOOK_S)

    def _later(self, call: Call, *, attempt: int) -> Call:
        read = call.read if attempt == 3 else read_other_body
        return msgspec.structs.replace(
            call, main=False, attempt=attempt, read=read, intended=self._http.now_s(), phase=-1
        )
