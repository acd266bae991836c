"""What goes in and out."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import reverse
from rest_framework import serializers

from . import services
from .models import Customer, Event, Order, Performer, Ticket, TicketTier, Venue

MAX_SEATS = 4  # in one order
HIGHEST_PRICE_CENTS = (2**31 - 1) // MAX_SEATS  # what an order costs is a number of 32 bits


class VenueSerializer(serializers.ModelSerializer[Venue]):
    """A venue, inside an event."""

    class Meta:
        model = Venue
        fields = (
            "id",
            "name",
            "city",
        )
        read_only_fields = fields


class PerformerSerializer(serializers.ModelSerializer[Performer]):
    """A performer, inside an event."""

    class Meta:
        model = Performer
        fields = (
            "id",
            "name",
        )
        read_only_fields = fields


class TierSerializer(serializers.ModelSerializer[TicketTier]):
    """A tier with the number of seats that are left."""

    price_cents = serializers.IntegerField(read_only=True, min_value=0)
    capacity = serializers.IntegerField(read_only=True, min_value=0)
    remaining = serializers.IntegerField(read_only=True, min_value=0)

    class Meta:
        model = TicketTier
        fields = (
            "id",
            "name",
            "price_cents",
            "capacity",
            "remaining",
        )
        read_only_fields = fields


class EventSerializer(serializers.ModelSerializer[Event]):
    """An event with everything that its page shows."""

    venue = VenueSerializer(read_only=True)
    performers = PerformerSerializer(many=True, read_only=True)
    tiers = TierSerializer(many=True, read_only=True)

    class Meta:
        model = Event
        fields = (
            "id",
            "slug",
            "title",
            "starts_at",
            "venue",
            "performers",
            "tiers",
        )
        read_only_fields = fields


class OrderRequestSerializer(serializers.Serializer[dict[str, object]]):
    """Body of `POST /api/orders/`."""

    tier = serializers.PrimaryKeyRelatedField(queryset=TicketTier.objects.all())
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_SEATS)
    reference = serializers.CharField(max_length=64, required=False, default="", allow_blank=True)


class TicketSerializer(serializers.ModelSerializer[Ticket]):
    """A ticket, inside an order."""

    class Meta:
        model = Ticket
        fields = (
            "id",
            "tier",
        )
        read_only_fields = fields


class OrderSerializer(serializers.ModelSerializer[Order]):
    """An order as its owner sees it."""

    status_url = serializers.SerializerMethodField()
    quantity = serializers.IntegerField(read_only=True, min_value=1, max_value=MAX_SEATS)
    amount_cents = serializers.IntegerField(read_only=True, min_value=0)
    tickets = TicketSerializer(many=True, read_only=True)

    class Meta:
        model = Order
        fields = (
            "id",
            "status",
            "status_url",
            "tier",
            "quantity",
            "amount_cents",
            "reference",
            "created_at",
            "tickets",
        )
        read_only_fields = fields

    def get_status_url(self, order: Order) -> str:
        """Where to ask how it is going."""
        return reverse("order-detail", args=[order.pk])


class SupportOrderSerializer(OrderSerializer):
    """An order as support sees it: with who ordered."""

    customer = serializers.CharField(source="customer.username", read_only=True)

    class Meta:
        model = Order
        fields = (
            "id",
            "customer",
            "status",
            "status_url",
            "tier",
            "quantity",
            "amount_cents",
            "reference",
            "created_at",
            "tickets",
        )
        read_only_fields = fields


class SalesSerializer(serializers.Serializer[dict[str, object]]):
    """What a tier has brought in so far."""

    tier = serializers.IntegerField()
    event = serializers.CharField()
    name = serializers.CharField()
    paid_orders = serializers.IntegerField(min_value=0)
    revenue_cents = serializers.IntegerField(min_value=0)


class ProfileSerializer(serializers.ModelSerializer[Customer]):
    """One's own account. A new password needs the present one, and ends every session."""

    password = serializers.CharField(write_only=True, required=False, min_length=8, max_length=128)
    current_password = serializers.CharField(write_only=True, required=False)

    class Meta:
        model = Customer
        fields = (
            "id",
            "username",
            "email",
            "role",
            "password",
            "current_password",
        )
        read_only_fields = (
            "id",
            "username",
            "role",
        )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A stolen token must not be enough to lock the owner out."""
        assert self.instance is not None
        current = attrs.pop("current_password", "")
        if "password" in attrs and not self.instance.check_password(current):
            raise serializers.ValidationError({"current_password": ["That is not the present password."]})
        return attrs

    def update(self, instance: Customer, validated_data: dict[str, Any]) -> Customer:
        """Only what was sent."""
        return services.change_profile(customer=instance, **validated_data)


class AdminTierSerializer(serializers.ModelSerializer[TicketTier]):
    """A tier as an admin sees it and changes it."""

    class Meta:
        model = TicketTier
        fields = (
            "id",
            "name",
            "price_cents",
            "capacity",
            "sold",
        )
        read_only_fields = (
            "id",
            "sold",
        )
        extra_kwargs: ClassVar = {"price_cents": {"max_value": HIGHEST_PRICE_CENTS}}

    def update(self, instance: TicketTier, validated_data: dict[str, Any]) -> TicketTier:
        """Only what was sent: seats are being sold meanwhile."""
        return services.change_tier(tier=instance, **validated_data)


class TokensSerializer(serializers.Serializer[dict[str, str]]):
    """What a login and a renewal answer."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class ProblemSerializer(serializers.Serializer[dict[str, object]]):
    """Every error, RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    invalid_params = serializers.DictField(child=serializers.ListField(child=serializers.CharField()), required=False)
