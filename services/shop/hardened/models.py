"""The tables of the box office."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Now


class Venue(models.Model):
    """A place with seats."""

    name = models.CharField(max_length=120)
    city = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.name


class Performer(models.Model):
    """Who is on stage."""

    name = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.name


class Event(models.Model):
    """An evening at a venue."""

    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=200)
    venue = models.ForeignKey(Venue, on_delete=models.PROTECT, related_name="events")
    performers = models.ManyToManyField(Performer, related_name="events")
    starts_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["starts_at", "id"], name="event_by_start"),)

    def __str__(self) -> str:
        return self.title


class TicketTier(models.Model):
    """Seats of an event that cost the same."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="tiers")
    name = models.CharField(max_length=60)
    price_cents = models.PositiveIntegerField()
    capacity = models.PositiveIntegerField()
    sold = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(sold__lte=models.F("capacity")), name="tier_not_oversold"),
        )

    def __str__(self) -> str:
        return f"{self.event_id} {self.name}"

    @property
    def remaining(self) -> int:
        """Seats that can still be sold."""
        return self.capacity - self.sold


class Customer(AbstractBaseUser):
    """Somebody with an account."""

    class Role(models.TextChoices):
        CUSTOMER = "customer"
        SUPPORT = "support"
        ADMIN = "admin"

    username = models.CharField(max_length=60, unique=True)
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role, default=Role.CUSTOMER)
    is_active = models.BooleanField(default=True)

    objects = BaseUserManager["Customer"]()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]


class Session(models.Model):
    """A session that a login began. Its tokens name it and work until it has ended."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="sessions")
    began_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.id)


class UsedRefreshToken(models.Model):
    """A refresh token that was used. The row may be deleted once the token has expired."""

    jti = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.jti


class LoginAttempts(models.Model):
    """Logins tried for a name from an address, until the window ends. The key is a hash of both."""

    key = models.CharField(max_length=64, primary_key=True)
    attempts = models.PositiveIntegerField()
    window_ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.attempts} until {self.window_ends_at}"


# Orders that still need a charge or a refund.
UNSETTLED = models.Q(status="pending") | models.Q(status="cancelled", refunded_at__isnull=True)


class Order(models.Model):
    """Seats that a customer asked for; pending until the payment is through.

    Attributes:
        request_hash: Hash of the body that came with the key, to find a key that is sent again with another body.
        claimed_until: A worker is charging this order until then; after that another one may.
        dispatches: How often the charge (then the refund) was handed to the workers.
        next_dispatch_at: When the sweep hands it over again, if it is still pending, or cancelled and not refunded.
        refunded_at: When the gateway confirmed the refund of a cancelled order, if it had taken anything or not.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        PAID = "paid"
        REFUSED = "refused"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    tier = models.ForeignKey(TicketTier, on_delete=models.PROTECT, related_name="orders")
    quantity = models.PositiveSmallIntegerField()
    amount_cents = models.PositiveIntegerField()
    reference = models.CharField(max_length=64, blank=True)
    idempotency_key = models.CharField(max_length=128)
    request_hash = models.CharField(max_length=64)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    claimed_until = models.DateTimeField(null=True)
    dispatches = models.PositiveSmallIntegerField(default=1)
    next_dispatch_at = models.DateTimeField()
    refunded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["customer", "idempotency_key"], name="order_once_per_key"),
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="order_of_something"),
        )
        indexes = (
            models.Index(fields=["next_dispatch_at"], condition=UNSETTLED, name="order_sweep"),
            models.Index(fields=["-created_at", "id"], name="order_newest"),
            models.Index(fields=["customer", "-created_at", "id"], name="order_newest_of_customer"),
        )

    def __str__(self) -> str:
        return str(self.id)


class Outbox(models.Model):
    """A message to the workers, written in the transaction of its order and deleted once the broker has it."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="messages")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"charge {self.order_id}"


class Payment(models.Model):
    """Money that the gateway took."""

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="payment")
    charge_id = models.CharField(max_length=64)
    amount_cents = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.charge_id


class Ticket(models.Model):
    """One seat."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="tickets")
    tier = models.ForeignKey(TicketTier, on_delete=models.PROTECT, related_name="tickets")
    seat = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["order", "seat"], name="ticket_once_per_seat"),)

    def __str__(self) -> str:
        return str(self.id)


class Confirmation(models.Model):
    """An e-mail that tells the customer about the tickets; one for each paid order.

    Attributes:
        tries: How often sending was tried.
        next_try_at: The earliest time of the next try; None: it was sent, or was refused for good.
        sent_at: When the mail server took it.
    """

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="confirmation")
    email = models.EmailField()
    created_at = models.DateTimeField(auto_now_add=True)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, db_default=Now())
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=["next_try_at"], condition=models.Q(next_try_at__isnull=False), name="confirmation_unsent"
            ),
        )

    def __str__(self) -> str:
        return f"{self.order_id} to {self.email}"
