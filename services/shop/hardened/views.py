"""The HTTP interface."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from . import fallback, services, sessions
from .models import Customer, Event, Order, TicketTier
from .permissions import IsAdmin, IsAnybody, IsSupport
from .schema import AGE, KEY, MAX_KEY, REPLAYED, STALE
from .serializers import (
    AdminTierSerializer,
    EventSerializer,
    OrderRequestSerializer,
    OrderSerializer,
    ProblemSerializer,
    ProfileSerializer,
    SalesSerializer,
    SupportOrderSerializer,
    TokensSerializer,
)

MAX_PAGE_DIGITS = 6
EVENTS = Event.objects.select_related("venue").prefetch_related("performers", "tiers")


@extend_schema(parameters=[AGE, STALE])
class EventList(generics.ListAPIView[Event]):
    """The list of events."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = EventSerializer
    queryset = EVENTS.order_by("starts_at", "id")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page; from a copy where there is one."""
        asked = [request.query_params.get(name, "") for name in ("page", "page_size")]
        if not all(word.isascii() and word.isalnum() and len(word) <= MAX_PAGE_DIGITS for word in asked if word):
            return super().list(request, *args, **kwargs)
        # A page links to others by the host name of the request, so each name has copies of its own.
        key = f"events:{request.get_host()}:{':'.join(asked)}"
        load = super().list
        return fallback.answer(fallback.read(key, lambda: load(request, *args, **kwargs).data))


@extend_schema(parameters=[AGE, STALE])
class EventDetail(generics.RetrieveAPIView[Event]):
    """One event."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = EventSerializer
    queryset = EVENTS
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
        own = Order.objects.filter(customer=self.request.user.pk).prefetch_related("tickets")
        return own.order_by("-created_at", "id")

    @extend_schema(
        request=OrderRequestSerializer,
        responses={202: OrderSerializer} | dict.fromkeys((409, 422), ProblemSerializer),
        parameters=[KEY, REPLAYED],
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
        if placed.replayed:
            self.headers["Idempotent-Replayed"] = "true"
        order = placed.order
        return Response(OrderSerializer(order).data, status=status.HTTP_202_ACCEPTED)


class OrderDetail(generics.RetrieveAPIView[Order]):
    """One of the customer's own orders."""

    serializer_class = OrderSerializer

    def get_queryset(self) -> QuerySet[Order]:
        """Others' orders do not exist for this customer."""
        return Order.objects.filter(customer=self.request.user.pk)


class OrderCancel(generics.GenericAPIView[Order]):
    """Gives one of the customer's own orders back."""

    serializer_class = OrderSerializer

    def get_queryset(self) -> QuerySet[Order]:
        """Others' orders do not exist for this customer."""
        return Order.objects.filter(customer=self.request.user.pk)

    @extend_schema(
        request=None,
        responses={200: OrderSerializer, 409: ProblemSerializer},
    )
    def post(self, request: Request, *_: Any, **__: Any) -> Response:
        """Cancel the order, paid or not yet; the refund comes later. Repeating it changes nothing."""
        order = services.cancel_order(order=self.get_object())
        return Response(OrderSerializer(order).data)


class SupportOrderList(generics.ListAPIView[Order]):
    """Everybody's orders, for support."""

    permission_classes = (IsSupport,)
    serializer_class = SupportOrderSerializer

    def get_queryset(self) -> QuerySet[Order]:
        """Newest first."""
        everybodys = Order.objects.select_related("customer").prefetch_related("tickets")
        return everybodys.order_by("-created_at", "id")


class Sales(APIView):
    """What each tier has brought in."""

    permission_classes = (IsAdmin,)

    @extend_schema(responses=SalesSerializer(many=True))
    def get(self, request: Request) -> Response:
        """For admins."""
        return Response(services.sales())


@extend_schema(responses={200: AdminTierSerializer, 409: ProblemSerializer})
class AdminTier(generics.UpdateAPIView[TicketTier]):
    """A tier, to be changed by an admin."""

    permission_classes = (IsAdmin,)
    serializer_class = AdminTierSerializer
    queryset = TicketTier.objects.all()
    http_method_names = ("patch", "options")


class Me(generics.RetrieveUpdateAPIView[Customer]):
    """One's own account."""

    permission_classes = (IsAnybody,)
    serializer_class = ProfileSerializer
    http_method_names = ("get", "patch", "head", "options")

    def get_object(self) -> Customer:
        """Whoever asks."""
        assert isinstance(self.request.user, Customer)
        return self.request.user


class Refresh(TokenRefreshView):
    """A refresh token for the next pair."""

    @extend_schema(responses={200: TokensSerializer, 401: ProblemSerializer})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Each token works once; a second use ends its session."""
        return super().post(request, *args, **kwargs)


class Login(TokenObtainPairView):
    """Name and password for a pair of tokens."""

    @extend_schema(responses={200: TokensSerializer} | dict.fromkeys((401, 429), ProblemSerializer))
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Counted before the password is looked at. An unknown name is answered, and counted, like a wrong password."""
        username = str(request.data.get("username", "")) if isinstance(request.data, dict) else ""
        who = {"username": username, "address": str(request.META.get("REMOTE_ADDR", ""))}
        if wait_s := sessions.count_attempt(**who):
            raise Throttled(wait=wait_s)
        response = super().post(request, *args, **kwargs)
        sessions.forget_attempts(**who)
        return response


class Logout(APIView):
    """The end of a session."""

    permission_classes = (IsAnybody,)

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """No token of this session can be used any more, this access token among them."""
        token: Any = request.auth
        session = sessions.live(token)
        if session is not None:
            sessions.end(session)
        return Response(status=status.HTTP_204_NO_CONTENT)
