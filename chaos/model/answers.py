"""What an answer about an order showed, in the form in which the history keeps it and the judge compares it."""

from __future__ import annotations

import msgspec

MISSING = "?"


class _Order(msgspec.Struct):
    tier: object = MISSING
    quantity: object = MISSING
    amount_cents: object = MISSING
    reference: object = MISSING
    tickets: object = None


_ORDER = msgspec.json.Decoder(_Order)


def order_facts(tier: object, quantity: object, amount_cents: object, reference: object) -> str:
    """Tier, quantity, cents and reference as one text: `3/2/8400/s7-a12`."""
    return "/".join(str(fact)[:64] for fact in (tier, quantity, amount_cents, reference))


def order_seen(body: bytes) -> tuple[str, int | None]:
    """`order_facts` of a body, with `?` for what it lacks, and how many tickets it showed (None: no list of them)."""
    order = _ORDER.decode(body)
    tickets = len(order.tickets) if isinstance(order.tickets, list) else None
    return order_facts(order.tier, order.quantity, order.amount_cents, order.reference), tickets
