"""Back office: reports, exports and corrections for the people behind the counter."""

from __future__ import annotations

# imports
import csv
import logging
from pathlib import Path
from uuid import UUID

import httpx
from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404
from rest_framework.decorators import api_view, permission_classes
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.fields import DateField, IntegerField
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from ..models import Customer, Event, Order, TicketTier
from ..permissions import IsAdmin, IsCustomer, IsSupport
from . import tasks
from .serializers import CustomerSerializer, EventSerializer, PriceSerializer, ReceiptSerializer, SurchargeSerializer
# end of imports

logger = logging.getLogger(__name__)
DOCUMENTS = Path(__file__).parent / "documents"
PAGE = 50


@api_view(["GET"])
# slot: report_permission
def order_report(request: Request) -> Response:
    """Orders for the support desk: `q` searches the references, `sort` names the column to sort by."""
    term, sort = request.query_params.get("q", ""), request.query_params.get("sort", "-created_at")
    # slot: report_search
    # slot: report_sort
    # slot: report_rows
    return Response({"count": len(rows), "results": rows})


@api_view(["GET"])
@permission_classes([IsAdmin])
def order_export(request: Request) -> HttpResponse:
    """A spreadsheet for the accountants: every order that was not refused."""
    answer = HttpResponse(content_type="text/csv")
    writer = csv.writer(answer)
    writer.writerow(["order", "status", "reference", "amount_cents"])
    # slot: export_status
    for order in orders.order_by("created_at").iterator():
        # slot: export_cells
        writer.writerow([order.pk, order.status, reference, order.amount_cents])
    return answer


@api_view(["GET"])
@permission_classes([AllowAny])
def document(request: Request) -> FileResponse:
    """The texts that come with a ticket, terms.txt and refunds.txt; `name` says which."""
    name = request.query_params.get("name", "")
    # slot: document_path
    if not path.is_file():
        raise NotFound
    return FileResponse(path.open("rb"), content_type="text/plain")


@api_view(["GET"])
@permission_classes([IsSupport])
def customers(request: Request) -> Response:
    """Customers whose name begins with `q`, at most `limit` of them."""
    name, wanted = request.query_params.get("q", ""), request.query_params.get("limit", "20")
    # slot: lookup_limit
    found = Customer.objects.filter(username__istartswith=name).order_by("username")[:limit]
    return Response(CustomerSerializer(found, many=True).data)


@api_view(["GET"])
@permission_classes([IsCustomer])
def receipt(request: Request, pk: UUID) -> Response:
    """The receipt of an order, for the customer who ordered."""
    # slot: receipt_owner
    return Response(ReceiptSerializer(order).data)


@api_view(["GET"])
@permission_classes([IsCustomer])
def bookings(request: Request) -> Response:
    """What the customer who asks has booked, for the start page of the app."""
    orders = Order.objects.filter(customer=request.user.pk).order_by("-created_at")[:PAGE]
    # slot: bookings_cache
    return Response(rows)


@api_view(["POST"])
@permission_classes([IsCustomer])
def claim(request: Request, pk: UUID) -> Response:
    """A code with which a friend can collect the tickets."""
    order = get_object_or_404(Order, pk=pk, customer=request.user.pk)
    code = tasks.claim_code(order)
    cache.set(f"claim:{code}", order.pk, timeout=7 * 24 * 3600)
    return Response({"code": code}, status=201)


@api_view(["GET"])
@permission_classes([AllowAny])
def claimed(request: Request, code: str) -> Response:
    """What a code stands for: whoever has it may collect the tickets."""
    return Response(ReceiptSerializer(get_object_or_404(Order, pk=cache.get(f"claim:{code}"))).data)


@api_view(["POST"])
@permission_classes([IsSupport])
def poster(request: Request) -> Response:
    """Type and size of a poster that a promoter has put at `url`."""
    url = str(request.data.get("url", ""))
    # slot: poster_target
    try:
        # slot: poster_client
    except httpx.HTTPError:
        raise ValidationError({"url": "The poster could not be read."}) from None
    return Response({"type": answer.headers.get("content-type", ""), "size": len(answer.content)})


@api_view(["POST"])
# slot: capacity_permission
def capacity(request: Request, pk: int) -> Response:
    """Add `delta` seats to a tier, or take unsold ones away."""
    delta = IntegerField().run_validation(request.data.get("delta"))
    try:
        with transaction.atomic():
            # slot: capacity_lock
            tier.capacity += delta
            # slot: capacity_floor
            tier.save(update_fields=["capacity"])
    except DatabaseError as error:
        # slot: capacity_error
    return Response({"tier": tier.pk, "capacity": tier.capacity})


@api_view(["GET"])
@permission_classes([AllowAny])
def programme(request: Request) -> Response:
    """Slugs of the events of one `day` (YYYY-MM-DD), by the clock of the box office in Berlin."""
    begin, end = tasks.day_bounds(DateField().run_validation(request.query_params.get("day")))
    events = Event.objects.filter(starts_at__gte=begin, starts_at__lt=end).order_by("starts_at")[:PAGE]
    return Response({"events": [event.slug for event in events]})


@api_view(["POST"])
@permission_classes([IsAdmin])
def publish(request: Request) -> Response:
    """A new event with its tiers and performers."""
    body = EventSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    return Response({"slug": body.save().slug}, status=201)


@api_view(["POST"])
@permission_classes([IsAdmin])
def prices(request: Request) -> Response:
    """New prices, as a list of {tier, price_cents}: all of them, or none."""
    body = PriceSerializer(data=request.data, many=True)
    body.is_valid(raise_exception=True)
    return Response({"changed": tasks.change_prices(body.validated_data)})


@api_view(["POST"])
@permission_classes([IsSupport])
def surcharge(request: Request, pk: UUID) -> Response:
    """Charge something on top of an order, once: a delivery for example, with the fee of the gateway."""
    body = SurchargeSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    order, amount_cents = get_object_or_404(Order, pk=pk), body.validated_data["amount_cents"]
    total_cents = amount_cents + tasks.fee_cents(amount_cents)
    tasks.charge_on_top(order, total_cents)
    return Response({"charged_cents": total_cents}, status=201)
