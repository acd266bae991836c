"""The worker's tasks. A message may come twice, late, or while another worker has the order."""

from __future__ import annotations

from celery import shared_task
from django.db import OperationalError, close_old_connections

from . import gateway, services

RETRIES = {
    "autoretry_for": (gateway.GatewayUnavailable, OperationalError),
    "retry_backoff": True,
    "retry_backoff_max": 4,
    "retry_jitter": True,
    "max_retries": 2,  # after that the sweep sends a new message
}


@shared_task(name="shop.charge_order", **RETRIES)
def charge_order(order_id: str) -> None:
    """Charge the order unless another message does or did; then issue its tickets, or give its seats back."""
    close_old_connections()  # the connection is kept between tasks: drop one that has had an error
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
    """Have the gateway refund a cancelled order, whether its charge succeeded or not."""
    close_old_connections()
    order = services.owes_refund(order_id)
    if order is not None:
        gateway.refund(order)
        services.settle_refunded(order)
