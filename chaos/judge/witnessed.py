"""When an order really was final: the view's `updated_at` is the shop's own word, and need not move with the status."""

from __future__ import annotations

from collections import defaultdict
from math import inf

import msgspec

from chaos.invariants.side_effects_once import REFUSED_FOR_GOOD
from chaos.model.evidence import EndState, Order

# What Django's `auto_now` and `auto_now_add` of one row differ by when it was never saved again, and more.
NEVER_MOVED_S = 0.005
_SUCCESS = range(200, 300)


def with_witnessed_times(state: EndState) -> EndState:
    """*state* with each final order's last change no earlier than what the gateway did for it. The original stays.

    `QuerySet.update(status=…)` leaves an `auto_now` column alone: an order that is paid would seem to have been so from
    its beginning. A cancelled one that nobody at the gateway knows of, and whose column never moved, was cancelled at
    a time that is not known: infinitely late, so that nobody is accused of having told an older status.
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
