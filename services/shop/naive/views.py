"""The HTTP interface."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from . import services
from .models import Customer, Event, Order
from .serializers import EventSerializer, OrderRequestSerializer, OrderSerializer


@method_decorator(cache_page(5), name="dispatch")
class EventList(generics.ListAPIView[Event]):
    """What is on."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = EventSerializer
    queryset = Event.objects.order_by("starts_at", "id")


@method_decorator(cache_page(5), name="dispatch")
class EventDetail(generics.RetrieveAPIView[Event]):
    """One event."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = EventSerializer
    queryset = Event.objects.all()
    lookup_field = "slug"


class OrderList(generics.ListAPIView[Order]):
    """A customer's own orders, and new ones."""

    serializer_class = OrderSerializer

    def get_queryset(self) -> QuerySet[Order]:
        """Newest first."""
        return Order.objects.filter(customer=self.request.user.pk).order_by("-created_at", "id")

    @extend_schema(
        request=OrderRequestSerializer,
        responses={202: OrderSerializer},
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    )
    def post(self, request: Request, *_: Any, **__: Any) -> Response:
        """Order seats; the answer says where to ask for the outcome."""
        assert isinstance(request.user, Customer)
        body = OrderRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        order = services.place_order(customer=request.user, **body.validated_data)
        return Response(OrderSerializer(order).data, status=status.HTTP_202_ACCEPTED)


class OrderDetail(generics.RetrieveAPIView[Order]):
    """One of the customer's own orders."""

    serializer_class = OrderSerializer

    def get_queryset(self) -> QuerySet[Order]:
        """Others' orders do not exist for this customer."""
        return Order.objects.filter(customer=self.request.user.pk)
