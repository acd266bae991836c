"""The worker's tasks."""

from __future__ import annotations

from celery import shared_task

from . import gateway, mail
from .models import Confirmation, Order, Payment, Ticket


@shared_task(name="shop.charge_order", autoretry_for=(Exception,), retry_backoff=True, max_retries=5)
def charge_order(order_id: str) -> None:
    """Charge the order, issue its tickets and tell the customer."""
    order = Order.objects.select_related("customer", "tier").get(pk=order_id)
    charge_id = gateway.charge(order)
    Payment.objects.create(order=order, charge_id=charge_id, amount_cents=order.amount_cents)
    order.status = Order.Status.PAID
    order.save()
    for _ in range(order.quantity):
        Ticket.objects.create(order=order, tier=order.tier)
    mail.confirm(order)
    Confirmation.objects.create(order=order, email=order.customer.email)
