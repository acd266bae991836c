"""A customer orders seats, sometimes with a double click, and polls the order until it is final."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from chaos.model.answers import order_seen
from chaos.model.disguise import intent_key
from chaos.model.history import Outcome
from chaos.model.loadplan import LoadPlan
from loadtests.journey import BAD_BODY, Arrival, Call, Http, Journey, Reading, decoded, unless_ok
from loadtests.world import World, WorldCustomer, WorldTier

HOT_SHARE = 0.9
MAX_QUANTITY = 2
FINAL = frozenset({"paid", "refused", "cancelled"})
LAST_LOOK_S = 2.0  # so late that the answer does not depend on timing any more
SOLD_OUT = (409, "sold_out")
KEY_IN_FLIGHT = (409, "key_in_flight")
_ORDER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")  # checked, since the API's id goes into a request line


class _Order(msgspec.Struct):
    id: str
    status: str


_ORDER = msgspec.json.Decoder(_Order)


def read_order_or(status: int, body: bytes, refusals: frozenset[tuple[int, str]]) -> Reading:
    """The order, or one of *refusals*."""
    if not 200 <= status < 300:
        return unless_ok(status, body, refusals)
    order = decoded(_ORDER, body)
    if order is None or not _ORDER_ID.fullmatch(order.id) or not order.status:
        return BAD_BODY
    seen, tickets = order_seen(body)
    return Reading(Outcome.OK, order=order.id, order_status=order.status, seen=seen, tickets=tickets)


def read_accepted(status: int, body: bytes) -> Reading:
    """The accepted order, or the refusal "sold out"."""
    return read_order_or(status, body, frozenset({SOLD_OUT}))


def read_clicked_twice(status: int, body: bytes) -> Reading:
    """Like `read_accepted`; either of two clicks may also be refused because the other one is still in flight."""
    return read_order_or(status, body, frozenset({SOLD_OUT, KEY_IN_FLIGHT}))


def read_order(status: int, body: bytes) -> Reading:
    """The order; no refusal is documented here."""
    return read_order_or(status, body, frozenset())


def of_order(order: str, read: Callable[[int, bytes], Reading]) -> Callable[[int, bytes], Reading]:
    """*read*, for an answer that has to be about *order*."""

    def reading(status: int, body: bytes) -> Reading:
        found = read(status, body)
        return BAD_BODY if found.outcome is Outcome.OK and found.order != order else found

    return reading


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
        call = self.request(arrival, customer, read=read_clicked_twice if twice else read_accepted)
        answers = self._click_twice(call) if twice else [self._http.exchange(call)]
        followed = next((answer for answer in answers if answer.outcome is Outcome.OK), None)
        if followed is not None and followed.order_status not in FINAL:
            self.watch(followed.order, customer)

    def request(
        self,
        arrival: Arrival,
        customer: WorldCustomer,
        *,
        op: str = name,
        read: Callable[[int, bytes], Reading] = read_accepted,
    ) -> Call:
        """An order of one or two seats under the arrival's own key; the main operation of *op*."""
        tier = self._tier(arrival)
        quantity = 1 + arrival.draws.below(MAX_QUANTITY)
        key = intent_key(self._plan.salt, arrival.index)
        body, head = self._message(customer, key=key, tier=tier.id, quantity=quantity)
        return Call(
            op=op,
            method="POST",
            head=head,
            body=body,
            read=read,
            intended=arrival.intended,
            phase=arrival.phase,
            key=key,
            customer=customer.id,
            tier=tier.id,
            quantity=quantity,
        )

    def with_quantity(self, call: Call, customer: WorldCustomer, quantity: int) -> Call:
        """The same key with another body."""
        assert call.tier is not None
        body, head = self._message(customer, key=call.key, tier=call.tier, quantity=quantity)
        return msgspec.structs.replace(call, body=body, head=head, quantity=quantity)

    def _message(self, customer: WorldCustomer, *, key: str, tier: int, quantity: int) -> tuple[bytes, bytes]:
        body = msgspec.json.encode({"tier": tier, "quantity": quantity, "reference": key})
        headers = {"Authorization": f"Bearer {customer.access}", "Idempotency-Key": key}
        return body, self._http.head("POST", "/api/orders/", headers=headers, length=len(body))

    def _click_twice(self, call: Call) -> list[Reading]:
        """Send the identical request twice at once; the second one is not part of the schedule."""
        second = msgspec.structs.replace(call, main=False, attempt=2)
        other = self._http.beside(second)
        return [self._http.exchange(call), other()]

    def watch(self, order: str, customer: WorldCustomer) -> None:
        """Poll until the order is final or the budget is used up: without a budget, slow payments would add load."""
        for _ in range(self._plan.poll_budget):
            answer = self.look(order, customer, self._http.now_s() + self._plan.poll_every_s)
            if answer is None or answer.order_status in FINAL:
                return

    def look(self, order: str, customer: WorldCustomer, at_s: float) -> Reading | None:
        """One poll at *at_s*; None when the run is over before that."""
        self._http.sleep_until(at_s)
        if self._http.winding_down():
            return None
        return self._http.exchange(
            Call(
                op="poll",
                method="GET",
                head=self._http.head(
                    "GET", f"/api/orders/{order}/", headers={"Authorization": f"Bearer {customer.access}"}
                ),
                read=of_order(order, read_order),
                intended=at_s,
                main=False,
                customer=customer.id,
                order=order,
            )
        )
