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
from rest_framework.views import APIView
from rest_framework_simplejwt.serializers import TokenRefreshSerializer
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from . import services
from .auth import LoginThrottle
from .models import Customer, Event, Order, TicketTier
from .permissions import IsAdmin, IsAnybody, IsSupport
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

EVENTS = Event.objects.all()


@method_decorator(cache_page(5), name="dispatch")
class EventList(generics.ListAPIView[Event]):
    """The list of events."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = EventSerializer
    queryset = EVENTS.order_by("starts_at", "id")


@method_decorator(cache_page(5), name="dispatch")
class EventDetail(generics.RetrieveAPIView[Event]):
    """One event."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = EventSerializer
    queryset = EVENTS
    lookup_field = "slug"


class OrderList(generics.ListAPIView[Order]):
    """A customer's own orders, and new ones."""

    serializer_class = OrderSerializer

    def get_queryset(self) -> QuerySet[Order]:
        """Newest first."""
        own = Order.objects.filter(customer=self.request.user.pk)
        return own.order_by("-created_at", "id")

    @extend_schema(
        request=OrderRequestSerializer,
        responses={202: OrderSerializer, 409: ProblemSerializer},
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
    """One order. Its id is a secret that only its customer knows."""

    serializer_class = OrderSerializer
    queryset = Order.objects.all()


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
        """Cancel the order, paid or not yet."""
        order = services.cancel_order(order=self.get_object())
        return Response(OrderSerializer(order).data)


class SupportOrderList(generics.ListAPIView[Order]):
    """Everybody's orders, for support."""

    permission_classes = (IsSupport,)
    serializer_class = SupportOrderSerializer

    def get_queryset(self) -> QuerySet[Order]:
        """Newest first."""
        everybodys = Order.objects.all()
        return everybodys.order_by("-created_at", "id")


class Sales(APIView):
    """What each tier has brought in."""

    permission_classes = (IsAdmin,)

    @extend_schema(responses=SalesSerializer(many=True))
    def get(self, request: Request) -> Response:
        """For admins."""
        return Response(services.sales())


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
        """Each token works once."""
        return super().post(request, *args, **kwargs)


class Login(TokenObtainPairView):
    """Name and password for a pair of tokens."""

    throttle_classes = (LoginThrottle,)

    @extend_schema(responses={200: TokensSerializer} | dict.fromkeys((401, 429), ProblemSerializer))
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Says what is wrong, so that people find their typo."""
        return super().post(request, *args, **kwargs)


class Logout(APIView):
    """The end of a session."""

    permission_classes = (IsAnybody,)

    @extend_schema(request=TokenRefreshSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """The refresh token in the body can't be used any more."""
        body: Any = request.data
        RefreshToken(body["refresh"]).blacklist()
        return Response(status=status.HTTP_204_NO_CONTENT)
