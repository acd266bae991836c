"""What happens after the answer. A message may come twice, late, or while another worker has the order."""

from __future__ import annotations

from celery import shared_task
from django.db import OperationalError, close_old_connections

from . import gateway, services

RETRIES = {
    "autoretry_for": (gateway.GatewayUnavailable, OperationalError),
    "retry_backoff": True,
    "retry_backoff_max": 4,
    "retry_jitter": True,
    "max_retries": 2,  # the sweep goes on from there
}


@shared_task(name="shop.charge_order", **RETRIES)
def charge_order(order_id: str) -> None:
    """Charge the order unless that is done or being done; then issue its tickets, or give its seats back."""
    close_old_connections()  # the connection outlives the task: drop it when it has seen an error
    order = services.claim(order_id)
    if order is None:
        return
    try:
        charge_id = gateway.charge(order)
    except gateway.ChargeRefused:
        services.settle_refused(order)
    except gateway.GatewayUnavailable:
        services.release(order)
        raise
    else:
        services.settle_paid(order, charge_id=charge_id)


@shared_task(name="shop.refund_order", **RETRIES)
def refund_order(order_id: str) -> None:
    """See that the gateway keeps nothing of a cancelled order, whatever became of its charge."""
    close_old_connections()
    order = services.owes_refund(order_id)
    if order is not None:
        gateway.refund(order)
        services.settle_refunded(order)
