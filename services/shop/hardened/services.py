"""The operations of the box office. Each function is one transaction, in which no other system is called."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from . import sessions
from .errors import KeyInFlight, KeyReused, NotCancellable, SoldOut, TooFewSeats
from .models import UNSETTLED, Confirmation, Customer, Order, Outbox, Payment, Ticket, TicketTier

CLAIM_S = 6  # longer than a charge and its bookkeeping may take
FIRST_REDISPATCH_S = 3
LONGEST_REDISPATCH_S = 8


def change_profile(*, customer: Customer, email: str | None = None, password: str | None = None) -> Customer:
    """Change the fields that are given. A new password ends every session of *customer*, this one too."""
    with transaction.atomic():
        if email is not None:
            customer.email = email
            customer.save(update_fields=["email"])
        if password is not None:
            customer.set_password(password)
            customer.save(update_fields=["password"])
            sessions.end_all(customer)
    return customer


def change_tier(*, tier: TicketTier, capacity: int | None = None, **changes: object) -> TicketTier:
    """Change the fields that are given, and none that a concurrent sale changes.

    Raises:
        TooFewSeats: More seats are sold than *capacity*.
    """
    with transaction.atomic():
        rows = TicketTier.objects.filter(pk=tier.pk)
        if capacity is not None and not rows.filter(sold__lte=capacity).update(capacity=capacity):
            raise TooFewSeats
        if changes:
            rows.update(**changes)
    tier.refresh_from_db()
    return tier


def sales() -> list[dict[str, object]]:
    """One row per tier, in one query."""
    paid = Q(orders__status=Order.Status.PAID)
    tiers = TicketTier.objects.select_related("event").annotate(
        paid_orders=Count("orders", filter=paid), revenue_cents=Coalesce(Sum("orders__amount_cents", filter=paid), 0)
    )
    return [
        {
            "tier": tier.pk,
            "event": tier.event.slug,
            "name": tier.name,
            "paid_orders": tier.paid_orders,
            "revenue_cents": tier.revenue_cents,
        }
        for tier in tiers.order_by("id")
    ]


@dataclass(frozen=True, slots=True)
class Placed:
    """An order, and whether an earlier request with the same key had made it."""

    order: Order
    replayed: bool


def place_order(*, customer: Customer, tier: TicketTier, quantity: int, reference: str, key: str) -> Placed:
    """Reserve seats and ask for the payment, once per customer and key.

    Raises:
        SoldOut: Fewer seats are left.
        KeyInFlight: The same key is being worked on right now.
        KeyReused: The same key came with another request.
    """
    draft = Order(
        customer=customer,
        tier=tier,
        quantity=quantity,
        amount_cents=tier.price_cents * quantity,
        reference=reference,
        idempotency_key=key,
        request_hash=_hash(tier=tier.pk, quantity=quantity, reference=reference),
        next_dispatch_at=timezone.now() + redispatch_pause(1),
    )
    with transaction.atomic():
        order = _first_with_key(draft)
        if order.pk != draft.pk:
            if order.request_hash != draft.request_hash:
                raise KeyReused
            return Placed(order, replayed=True)
        Outbox.objects.create(order=order)
        # Last, because it locks until the commit a row that all orders of the tier need.
        left = TicketTier.objects.filter(pk=tier.pk, sold__lte=F("capacity") - quantity)
        if not left.update(sold=F("sold") + quantity):
            raise SoldOut
    return Placed(order, replayed=False)


def _first_with_key(draft: Order) -> Order:
    """Insert *draft* unless its key is taken, then read whose it is. Waits for another request with the same key."""
    try:
        Order.objects.bulk_create([draft], ignore_conflicts=True)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise KeyInFlight from error
        raise
    return Order.objects.get(customer=draft.customer, idempotency_key=draft.idempotency_key)


def _hash(**body: object) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def claim(order_id: UUID | str) -> Order | None:
    """Take a pending order for charging. None: it is final, or another worker has it."""
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=Now())
    pending = Order.objects.filter(free, pk=order_id, status=Order.Status.PENDING)
    if not pending.update(claimed_until=Now() + timedelta(seconds=CLAIM_S)):
        return None
    return Order.objects.select_related("customer").get(pk=order_id)


def release(order: Order) -> None:
    """Give up the claim, so that another try can take the order."""
    Order.objects.filter(pk=order.pk, status=Order.Status.PENDING).update(claimed_until=None)


def settle_paid(order: Order, *, charge_id: str) -> bool:
    """Issue tickets and ask for the confirmation. False: the order was settled already."""
    with transaction.atomic():
        if not _leave_pending(order, Order.Status.PAID):
            return False
        Payment.objects.create(order=order, charge_id=charge_id, amount_cents=order.amount_cents)
        Ticket.objects.bulk_create(
            Ticket(order=order, tier_id=order.tier_id, seat=n + 1) for n in range(order.quantity)
        )
        Confirmation.objects.create(order=order, email=order.customer.email)
    return True


def settle_refused(order: Order) -> bool:
    """Give the seats back. False: the order was settled already."""
    with transaction.atomic():
        if not _leave_pending(order, Order.Status.REFUSED):
            return False
        TicketTier.objects.filter(pk=order.tier_id).update(sold=F("sold") - order.quantity)
    return True


def cancel_order(*, order: Order) -> Order:
    """Give the seats back and ask for the refund. A charge that is under way is refused, or refunded.

    Raises:
        NotCancellable: The order was refused.
    """
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=order.pk)
        if order.status == Order.Status.CANCELLED:
            return order
        if order.status == Order.Status.REFUSED:
            raise NotCancellable
        order.status = Order.Status.CANCELLED
        order.claimed_until = None
        order.dispatches = 1
        order.next_dispatch_at = timezone.now() + redispatch_pause(1)
        order.save()
        _take_back_tickets(order)
        Confirmation.objects.filter(order=order).update(next_try_at=None)
        Outbox.objects.create(order=order)
        TicketTier.objects.filter(pk=order.tier_id).update(sold=F("sold") - order.quantity)
    return order


def _take_back_tickets(order: Order) -> None:
    """Nobody gets in with them any more."""
    order.tickets.all().delete()


def owes_refund(order_id: UUID | str) -> Order | None:
    """The order, when it is cancelled and not refunded yet."""
    return Order.objects.filter(pk=order_id, status=Order.Status.CANCELLED, refunded_at__isnull=True).first()


def settle_refunded(order: Order) -> None:
    """Note that the gateway has refunded the order."""
    Order.objects.filter(pk=order.pk, refunded_at__isnull=True).update(refunded_at=Now(), updated_at=Now())


def _leave_pending(order: Order, outcome: Order.Status) -> bool:
    pending = Order.objects.filter(pk=order.pk, status=Order.Status.PENDING)
    return bool(pending.update(status=outcome, claimed_until=None, updated_at=Now()))


def redispatch_stuck(*, now: datetime, limit: int) -> int:
    """The sweep: sends a new message for each order that stays unsettled. Returns how many."""
    stuck = Order.objects.filter(UNSETTLED, next_dispatch_at__lte=now, messages__isnull=True)
    with transaction.atomic():
        orders = list(stuck.order_by("next_dispatch_at").select_for_update(skip_locked=True, of=("self",))[:limit])
        for order in orders:
            order.dispatches += 1
            order.next_dispatch_at = now + redispatch_pause(order.dispatches)
        Order.objects.bulk_update(orders, ["dispatches", "next_dispatch_at"])
        Outbox.objects.bulk_create(Outbox(order=order) for order in orders)
    return len(orders)


def redispatch_pause(dispatches: int) -> timedelta:
    """How long the workers have after so many messages, before the next one is sent."""
    return timedelta(seconds=min(FIRST_REDISPATCH_S * 2 ** (dispatches - 1), LONGEST_REDISPATCH_S))
