"""The HTTP interface."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from . import fallback, services
from .models import Customer, Event, Order
from .serializers import EventSerializer, OrderRequestSerializer, OrderSerializer, ProblemSerializer

MAX_KEY = 128
MAX_PAGE_DIGITS = 6


class EventList(generics.ListAPIView[Event]):
    """What is on."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = EventSerializer
    queryset = Event.objects.select_related("venue").prefetch_related("performers", "tiers").order_by("starts_at", "id")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page; from a copy where there is one."""
        page = request.query_params.get("page", "1")
        if not (page.isascii() and page.isdigit() and len(page) <= MAX_PAGE_DIGITS):
            return super().list(request, *args, **kwargs)
        key = f"events:{request.get_host()}:{page}"  # a page links to others by the name that it was asked by
        load = super().list
        return fallback.answer(fallback.read(key, lambda: load(request, *args, **kwargs).data))


class EventDetail(generics.RetrieveAPIView[Event]):
    """One event."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = EventSerializer
    queryset = Event.objects.select_related("venue").prefetch_related("performers", "tiers")
    lookup_field = "slug"

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The event; from a copy where there is one."""
        key = f"event:{kwargs['slug']}"
        load = super().retrieve
        return fallback.answer(fallback.read(key, lambda: load(request, *args, **kwargs).data))


class OrderList(generics.ListAPIView[Order]):
    """A customer's own orders, and new ones."""

    serializer_class = OrderSerializer

    def get_queryset(self) -> QuerySet[Order]:
        """Newest first."""
        own = Order.objects.filter(customer=self.request.user.pk)
        return own.prefetch_related("tickets").order_by("-created_at", "id")

    @extend_schema(
        request=OrderRequestSerializer,
        responses={202: OrderSerializer} | dict.fromkeys((400, 401, 403, 409, 422, 503), ProblemSerializer),
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=True)],
    )
    def post(self, request: Request, *_: Any, **__: Any) -> Response:
        """Order seats; the answer says where to ask for the outcome. The same key gives the same order."""
        key = request.headers.get("Idempotency-Key", "")
        if not 0 < len(key) <= MAX_KEY or not key.isprintable():
            raise ValidationError({"Idempotency-Key": [f"Expected a header of 1 to {MAX_KEY} characters."]})
        assert isinstance(request.user, Customer)
        body = OrderRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        placed = services.place_order(customer=request.user, key=key, **body.validated_data)
        headers = {"Idempotent-Replayed": "true"} if placed.replayed else None
        return Response(OrderSerializer(placed.order).data, status=status.HTTP_202_ACCEPTED, headers=headers)


class OrderDetail(generics.RetrieveAPIView[Order]):
    """One of the customer's own orders."""

    serializer_class = OrderSerializer

    def get_queryset(self) -> QuerySet[Order]:
        """Others' orders do not exist for this customer."""
        return Order.objects.filter(customer=self.request.user.pk)
