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
LAST_LOOK_S = 2.0  # long after: what is told then is no matter of timing
SOLD_OUT = (409, "sold_out")
KEY_IN_FLIGHT = (409, "key_in_flight")
_ORDER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")  # goes into a request line, so it is not taken on trust


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
    return Reading(Outcome.OK, order=order.id, order_status=order.status)


def read_accepted(status: int, body: bytes) -> Reading:
    """An order with its id, or "sold out"."""
    return read_order_or(status, body, frozenset({SOLD_OUT}))


def read_clicked_twice(status: int, body: bytes) -> Reading:
    """As `read_accepted`; either of two clicks may be told that the other one is being worked on."""
    return read_order_or(status, body, frozenset({SOLD_OUT, KEY_IN_FLIGHT}))


def read_order(status: int, body: bytes) -> Reading:
    """The order as it stands; nothing is refused here."""
    return read_order_or(status, body, frozenset())


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
        key = client_key(self._plan.seed, arrival.index)
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
        """The identical request twice, at once; the second is not part of the schedule."""
        second = msgspec.structs.replace(call, main=False, attempt=2)
        other = self._http.beside(second)
        return [self._http.exchange(call), other()]

    def watch(self, order: str, customer: WorldCustomer) -> None:
        """Polls have a budget: late payment would otherwise add load exactly when the API has no room for it."""
        for _ in range(self._plan.poll_budget):
            answer = self.look(order, customer, self._http.now_s() + self._plan.poll_every_s)
            if answer is None or answer.order_status in FINAL:
                return

    def look(self, order: str, customer: WorldCustomer, at_s: float) -> Reading | None:
        """One poll at *at_s*; None when the run is over before it."""
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
                read=read_order,
                intended=at_s,
                main=False,
                customer=customer.id,
                order=order,
            )
        )
