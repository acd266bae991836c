"""The tables of the box office."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


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

    def __str__(self) -> str:
        return self.title


class TicketTier(models.Model):
    """Seats of an event that cost the same."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="tiers")
    name = models.CharField(max_length=60)
    price_cents = models.PositiveIntegerField()
    capacity = models.PositiveIntegerField()
    sold = models.PositiveIntegerField(default=0)

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


class Order(models.Model):
    """Seats that a customer asked for; pending until the payment is through."""

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
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return str(self.id)


class Payment(models.Model):
    """Money that the gateway took."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
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
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.id)


class Confirmation(models.Model):
    """An e-mail that told the customer about the tickets."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="confirmations")
    email = models.EmailField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.order_id} to {self.email}"
