"""Sends the messages of the outbox to the broker; runs in the relay process."""

from __future__ import annotations

import time

from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from ..core.metrics import dependency_call
from . import services, tasks
from .guards import BROKER, Refused
from .models import Order, Outbox

BATCH = 50
SWEEP_EVERY_S = 0.5
_swept_s = float("-inf")


def work() -> int:
    """One round: send what waits, now and then look for orders that got stuck. Returns how much there was to do."""
    global _swept_s  # noqa: PLW0603  (one relay, one thread)
    did = send_batch()
    if time.monotonic() - _swept_s >= SWEEP_EVERY_S:
        did += services.redispatch_stuck(now=timezone.now(), limit=BATCH)
        _swept_s = time.monotonic()
    return did


def pending() -> int:
    """Messages that wait."""
    return Outbox.objects.count()


def send_batch() -> int:
    """Send the oldest messages, at least once each: what the broker took is deleted, the rest stays.

    Raises:
        kombu.exceptions.OperationalError, Refused: The broker does not answer.
    """
    sent: list[int] = []
    failure: Exception | None = None
    with transaction.atomic():
        # Locked rows belong to another relay.
        waiting = Outbox.objects.select_related("order").select_for_update(skip_locked=True, of=("self",))
        for message in waiting.order_by("pk")[:BATCH]:
            cancelled = message.order.status == Order.Status.CANCELLED
            task = tasks.refund_order if cancelled else tasks.charge_order
            try:
                with BROKER.call(), dependency_call("broker"):
                    task.apply_async([str(message.order_id)], retry=False)
            except (BrokerError, Refused) as error:
                failure = error
                break
            sent.append(message.pk)
        Outbox.objects.filter(pk__in=sent).delete()
    if failure is not None:
        raise failure  # now that what was sent is on record
    return len(sent)
