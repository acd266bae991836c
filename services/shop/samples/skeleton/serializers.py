"""What the back office takes and gives."""

from __future__ import annotations

# imports
from typing import Any

from rest_framework import serializers
from rest_framework.validators import UniqueValidator

from ..models import Customer, Event, Order, Performer, TicketTier, Venue
from . import tasks
# end of imports


class CustomerSerializer(serializers.ModelSerializer[Customer]):
    """A customer as the support desk sees one."""

    class Meta:
        model = Customer
        # slot: customer_fields


class ReceiptSerializer(serializers.ModelSerializer[Order]):
    """What was ordered and what it costs."""

    class Meta:
        model = Order
        fields = ("id", "status", "tier", "quantity", "amount_cents")


class TierSerializer(serializers.ModelSerializer[TicketTier]):
    """A tier of a new event."""

    class Meta:
        model = TicketTier
        # slot: tier_fields


class EventSerializer(serializers.Serializer[Event]):
    """A new event that is still to come, with its tiers and performers, written in one go."""

    slug = serializers.SlugField(max_length=50, validators=[UniqueValidator(Event.objects.all())])
    title = serializers.CharField(max_length=200)
    venue = serializers.PrimaryKeyRelatedField(queryset=Venue.objects.all())
    # slot: starts_at
    performers = serializers.ListField(child=serializers.IntegerField(), max_length=20)
    tiers = TierSerializer(many=True)

    def create(self, validated_data: dict[str, Any]) -> Event:
        """All rows; the partners are told afterwards."""
        data = dict(validated_data)
        performers, tiers = data.pop("performers"), data.pop("tiers")
        # slot: create_event
        # slot: announce
        return event


class PriceSerializer(serializers.Serializer[dict[str, int]]):
    """A new price of a tier."""

    tier = serializers.IntegerField()
    price_cents = serializers.IntegerField(min_value=1, max_value=1_000_000)


class SurchargeSerializer(serializers.Serializer[dict[str, int]]):
    """An amount on top of an order."""

    amount_cents = serializers.IntegerField(min_value=1, max_value=100_000)
