"""A customer orders seats and cancels the order: while the charge is under way, or later."""

from __future__ import annotations

from chaos.model.history import Outcome
from chaos.model.loadplan import LoadPlan
from loadtests.journey import Arrival, Call, Http, Journey, Reading
from loadtests.journeys import buy
from loadtests.world import World, WorldCustomer

NOT_CANCELLABLE = (409, "not_cancellable")
AT_ONCE_SHARE = 0.7
AT_ONCE_S = 0.4  # about the time from the answer to the end of the charge, with a slightly slow gateway
LATER_S = 2.0


def read_cancelled(status: int, body: bytes) -> Reading:
    """The cancelled order, or the refusal "not cancellable" for a refused order."""
    return buy.read_order_or(status, body, frozenset({NOT_CANCELLABLE}))


class BuyAndCancel(Journey):
    """POST /api/orders/, a pause, POST /api/orders/{id}/cancel/ (sometimes twice at once), and one late poll."""

    name = "buy_and_cancel"
    follow_ups = ("cancel", "cancel_again", "poll")

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._plan = plan
        self._http = http
        self._buyer = buy.Buy(plan=plan, world=world, http=http)
        self._customers = world.customers

    def run(self, arrival: Arrival) -> None:
        customer = arrival.draws.choice(self._customers)
        at_once = arrival.draws.unit() < AT_ONCE_SHARE
        pause_s = arrival.draws.unit() * (AT_ONCE_S if at_once else LATER_S)
        twice = arrival.draws.unit() < self._plan.double_click_ratio
        placed = self._http.exchange(self._buyer.request(arrival, customer, op=self.name))
        if placed.outcome is not Outcome.OK:
            return
        at_s = self._http.now_s() + pause_s
        self._http.sleep_until(at_s)
        if self._http.winding_down():
            return
        first = self._cancel(placed.order, customer, at_s, attempt=1)
        other = self._http.beside(self._cancel(placed.order, customer, at_s, attempt=2)) if twice else None
        self._http.exchange(first)
        if other is not None:
            other()
        self._buyer.look(placed.order, customer, self._http.now_s() + buy.LAST_LOOK_S)

    def _cancel(self, order: str, customer: WorldCustomer, at_s: float, *, attempt: int) -> Call:
        return Call(
            op="cancel",
            method="POST",
            head=self._http.head(
                "POST",
                f"/api/orders/{order}/cancel/",
                headers={"Authorization": f"Bearer {customer.access}"},
            ),
            read=buy.of_order(order, read_cancelled),
            intended=at_s,
            main=False,
            attempt=attempt,
            customer=customer.id,
            order=order,
        )
