"""A customer orders seats, sometimes with a double click, and watches the order until it is final."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from chaos.model.history import Outcome
from chaos.model.loadplan import LoadPlan
from loadtests.journey import BAD_BODY, Arrival, Call, Http, Journey, Reading, decoded, unless_ok
from loadtests.world import World, WorldCustomer, WorldTier

HOT_SHARE = 0.9
MAX_QUANTITY = 2
FINAL = frozenset({"paid", "refused", "cancelled"})
SOLD_OUT = (409, "sold_out")
KEY_IN_FLIGHT = (409, "key_in_flight")
_ORDER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")  # goes into a request line, so it is not taken on trust


class _Order(msgspec.Struct):
    id: str
    status: str


_ORDER = msgspec.json.Decoder(_Order)


def _read_order(status: int, body: bytes, refusals: frozenset[tuple[int, str]]) -> Reading:
    if not 200 <= status < 300:
        return unless_ok(status, body, refusals)
    order = decoded(_ORDER, body)
    if order is None or not _ORDER_ID.fullmatch(order.id) or not order.status:
        return BAD_BODY
    return Reading(Outcome.OK, order=order.id, order_status=order.status)


def read_accepted(status: int, body: bytes) -> Reading:
    """An order with its id, or "sold out"."""
    return _read_order(status, body, frozenset({SOLD_OUT}))


def read_clicked_twice(status: int, body: bytes) -> Reading:
    """As `read_accepted`; either of two clicks may be told that the other one is being worked on."""
    return _read_order(status, body, frozenset({SOLD_OUT, KEY_IN_FLIGHT}))


def read_order(status: int, body: bytes) -> Reading:
    """The order as it stands; nothing is refused here."""
    return _read_order(status, body, frozenset())


def client_key(seed: int, index: int) -> str:
    """The intent of arrival *index*: the same on every variant, so that two runs can be laid side by side."""
    return f"s{seed}-a{index}"


class Buy(Journey):
    """POST /api/orders/ under a fresh key, then GET /api/orders/{id}/ until it is final or the budget is used up.

    Args:
        hot_share: Share of buyers that want a hot tier.
    """

    name = "buy"
    follow_ups = ("buy_again", "poll")

    def __init__(self, *, plan: LoadPlan, world: World, http: Http, hot_share: float = HOT_SHARE) -> None:
        self._plan = plan
        self._http = http
        self._customers = world.customers
        self._hot = [tier for tier in world.tiers if tier.hot]
        self._other = [tier for tier in world.tiers if not tier.hot]
        self._hot_share = hot_share

    def _tier(self, arrival: Arrival) -> WorldTier:
        wants_hot = arrival.draws.unit() < self._hot_share
        first, second = (self._hot, self._other) if wants_hot else (self._other, self._hot)
        return arrival.draws.choice(first or second)

    def run(self, arrival: Arrival) -> None:
        customer = arrival.draws.choice(self._customers)
        twice = arrival.draws.unit() < self._plan.double_click_ratio
        call = self._order(arrival, customer, read_clicked_twice if twice else read_accepted)
        answers = self._click_twice(call) if twice else [self._http.exchange(call)]
        followed = next((answer for answer in answers if answer.outcome is Outcome.OK), None)
        if followed is not None and followed.order_status not in FINAL:
            self._watch(followed.order, customer)

    def _order(self, arrival: Arrival, customer: WorldCustomer, read: Callable[[int, bytes], Reading]) -> Call:
        tier = self._tier(arrival)
        quantity = 1 + arrival.draws.below(MAX_QUANTITY)
        key = client_key(self._plan.seed, arrival.index)
        body = msgspec.json.encode({"tier": tier.id, "quantity": quantity, "reference": key})
        return Call(
            op=self.name,
            method="POST",
            head=self._http.head(
                "POST",
                "/api/orders/",
                headers={"Authorization": f"Bearer {customer.access}", "Idempotency-Key": key},
                length=len(body),
            ),
            body=body,
            read=read,
            intended=arrival.intended,
            phase=arrival.phase,
            key=key,
            customer=customer.id,
            tier=tier.id,
            quantity=quantity,
        )

    def _click_twice(self, call: Call) -> list[Reading]:
        """The identical request twice, at once; the second is not part of the schedule."""
        second = msgspec.structs.replace(call, main=False, attempt=2)
        other = self._http.beside(second)
        return [self._http.exchange(call), other()]

    def _watch(self, order: str, customer: WorldCustomer) -> None:
        """Polls have a budget: late payment would otherwise add load exactly when the API has no room for it."""
        head = self._http.head("GET", f"/api/orders/{order}/", headers={"Authorization": f"Bearer {customer.access}"})
        for _ in range(self._plan.poll_budget):
            at_s = self._http.now_s() + self._plan.poll_every_s
            self._http.sleep_until(at_s)
            if self._http.winding_down():
                return
            answer = self._http.exchange(
                Call(
                    op="poll",
                    method="GET",
                    head=head,
                    read=read_order,
                    intended=at_s,
                    main=False,
                    customer=customer.id,
                    order=order,
                )
            )
            if answer.order_status in FINAL:
                return
