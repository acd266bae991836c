"""The payment gateway."""

from __future__ import annotations

import httpx
from django.conf import settings

from ..core.metrics import dependency_call
from .models import Order

client = httpx.Client(base_url=settings.GATEWAY_URL, timeout=5, trust_env=False)


def charge(order: Order) -> str:
    """Take the money for *order*. Returns the charge's id."""
    with dependency_call("gateway"):
        response = client.post("/charges", json={"order_id": str(order.pk), "amount_cents": order.amount_cents})
        response.raise_for_status()
        charge_id: str = response.json()["charge_id"]
    return charge_id


def refund(order: Order) -> None:
    """Give the money for *order* back."""
    with dependency_call("gateway"):
        client.post("/refunds", json={"order_id": str(order.pk)}).raise_for_status()
