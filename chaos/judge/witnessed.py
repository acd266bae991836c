"""When an order was final, by the gateway: the shop itself sets `updated_at`, and may not do so with the status."""

from __future__ import annotations

from collections import defaultdict
from math import inf

import msgspec

from chaos.invariants._common import REFUSED_FOR_GOOD
from chaos.model.evidence import EndState, Order

# More than Django's `auto_now` and `auto_now_add` of a row differ by when it was saved only once.
NEVER_MOVED_S = 0.005
_SUCCESS = range(200, 300)


def with_witnessed_times(state: EndState) -> EndState:
    """A copy of *state* with each final order's last change no earlier than what the gateway did for it.

    `QuerySet.update(status=…)` does not change an `auto_now` column: an order would seem to be paid since its creation.
    The time of a cancellation is not known when the gateway has nothing about the order and its column never changed:
    it counts as infinitely late, so that no answer with an earlier status is called wrong.
    """
    known: defaultdict[str, float] = defaultdict(lambda: -inf)

    def saw(order_id: str, at_unix_s: float) -> None:
        known[order_id] = max(known[order_id], at_unix_s)

    for charge in state.charges:
        saw(charge.order_id, charge.captured_unix_s)
    for refund in state.refunds:
        saw(refund.order_id, refund.refunded_unix_s)
    for call in state.gateway_calls:
        if call.answered_unix_s is not None and (call.status in _SUCCESS or call.status in REFUSED_FOR_GOOD):
            saw(call.order_id, call.answered_unix_s)
    return msgspec.structs.replace(state, orders=[_corrected(order, known[order.order_id]) for order in state.orders])


def _corrected(order: Order, known_unix_s: float) -> Order:
    if order.status == "pending":
        return order
    if order.status == "cancelled" and known_unix_s == -inf and _never_moved(order):
        known_unix_s = inf
    if known_unix_s <= order.updated_unix_s:
        return order
    return msgspec.structs.replace(order, updated_unix_s=known_unix_s)


def _never_moved(order: Order) -> bool:
    return order.updated_unix_s - order.created_unix_s < NEVER_MOVED_S
