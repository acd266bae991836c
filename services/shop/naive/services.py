"""The operations of the box office."""

from __future__ import annotations

from django.db import transaction

from . import gateway, tasks
from .errors import NotCancellable, SoldOut
from .models import Customer, Order, TicketTier


def sales() -> list[dict[str, object]]:
    """One row per tier."""
    rows: list[dict[str, object]] = []
    for tier in TicketTier.objects.order_by("id"):
        paid = Order.objects.filter(tier=tier, status=Order.Status.PAID)
        rows.append(
            {
                "tier": tier.pk,
                "event": tier.event.slug,
                "name": tier.name,
                "paid_orders": paid.count(),
                "revenue_cents": sum(order.amount_cents for order in paid),
            }
        )
    return rows


def place_order(*, customer: Customer, tier: TicketTier, quantity: int, reference: str) -> Order:
    """Reserve seats and start the payment.

    Raises:
        SoldOut: Fewer seats are left.
    """
    with transaction.atomic():
        if tier.remaining < quantity:
            raise SoldOut
        order = Order.objects.create(
            customer=customer,
            tier=tier,
            quantity=quantity,
            amount_cents=tier.price_cents * quantity,
            reference=reference,
        )
        tasks.charge_order.delay(str(order.pk))
        tier.sold = tier.sold + quantity
        tier.save()
    return order


def cancel_order(*, order: Order) -> Order:
    """Give the money and the seats back.

    Raises:
        NotCancellable: The order was refused.
    """
    if order.status == Order.Status.CANCELLED:
        return order
    if order.status == Order.Status.REFUSED:
        raise NotCancellable
    if order.payments.exists():
        gateway.refund(order)
    order.status = Order.Status.CANCELLED
    order.save()
    _take_back_tickets(order)
    order.tier.sold = order.tier.sold - order.quantity
    order.tier.save()
    return order


def _take_back_tickets(order: Order) -> None:
    """Nobody gets in with them any more."""
    order.tickets.all().delete()
