"""Mails to customers."""

from __future__ import annotations

from django.core.mail import EmailMessage

from ..core.metrics import dependency_call
from .models import Order


def confirm(order: Order) -> None:
    """Tell the customer about the tickets."""
    message = EmailMessage(
        subject=f"Your tickets, order {order.pk}",
        body=f"{order.quantity} seats are yours.\n",
        to=[order.customer.email],
        headers={"X-Order-Id": str(order.pk)},
    )
    with dependency_call("mail"):
        message.send(fail_silently=True)
