"""What the API refuses, and how every error looks: problem+json, RFC 9457."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import redis
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, JsonResponse
from kombu.exceptions import OperationalError as BrokerError
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler

from .guards import Refused

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_S = 1
# psycopg's PoolTimeout arrives as OperationalError.
DEPENDENCY_DOWN = (OperationalError, InterfaceError, BrokerError, redis.RedisError, Refused)
logger = logging.getLogger("shop.errors")


class SoldOut(APIException):
    """Fewer seats are left than were asked for."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "sold_out"
    default_detail = "Not enough seats left."


class KeyInFlight(APIException):
    """The same key is being worked on right now."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "key_in_flight"
    default_detail = "A request with this Idempotency-Key is in progress."


class KeyReused(APIException):
    """The key was sent with another body before."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "key_reused"
    default_detail = "This Idempotency-Key was used for another request."


class TooFewSeats(APIException):
    """More seats are sold already than the tier would have."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "too_few_seats"
    default_detail = "More seats than that are sold."


class NotCancellable(APIException):
    """The order was refused: there is nothing to cancel."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "not_cancellable"
    default_detail = "This order can't be cancelled."


class DependencyDown(APIException):
    """A dependency does not answer. It is not known whether anything happened."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "dependency_down"
    default_detail = "Try again in a moment."


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler; None (a bug) ends in `server_error`."""
    if isinstance(error, DEPENDENCY_DOWN):
        logger.warning("503: %s: %s", type(error).__name__, str(error).strip())
        error = DependencyDown(str(DependencyDown.default_detail))
    if isinstance(error, RecursionError):  # a token's parts are JSON too
        error = ParseError("Nested too deep.")
    response = exception_handler(error, context)
    if response is None:
        return None
    response.data = problem(response.status_code, code=_code(error), detail=_detail(error, response))
    if isinstance(error, ValidationError):
        response.data["invalid_params"] = error.detail if isinstance(error.detail, dict) else {"body": error.detail}
    if response.status_code == status.HTTP_503_SERVICE_UNAVAILABLE:
        response["Retry-After"] = str(RETRY_AFTER_S)
    request = context["request"]  # a view that speaks YAML refuses in JSON, too
    request.accepted_renderer, request.accepted_media_type = JSONRenderer(), PROBLEM_JSON
    response.content_type = PROBLEM_JSON
    return response


def problem(status_code: int, *, code: str, detail: str) -> dict[str, Any]:
    """The body of an error."""
    title = HTTPStatus(status_code).phrase
    return {"type": "about:blank", "title": title, "status": status_code, "detail": detail, "code": code}


def not_found(_: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """An address that does not exist."""
    return JsonResponse(problem(404, code="not_found", detail="Not found."), status=404, content_type=PROBLEM_JSON)


def bad_request(_: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """A request that Django itself refuses."""
    return JsonResponse(problem(400, code="bad_request", detail="Bad request."), status=400, content_type=PROBLEM_JSON)


def server_error(_: HttpRequest) -> JsonResponse:
    """A bug; the log has the traceback."""
    return JsonResponse(problem(500, code="error", detail="Server error."), status=500, content_type=PROBLEM_JSON)


def _code(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "invalid"
    if isinstance(error, APIException):
        codes = error.get_codes()
        if isinstance(codes, dict):  # simplejwt: {"detail": …, "code": …}
            codes = codes.get("detail", error.default_code)
        return codes if isinstance(codes, str) else str(error.default_code)
    return "not_found" if type(error).__name__ == "Http404" else "forbidden"


def _detail(error: Exception, response: Response) -> str:
    if isinstance(error, ValidationError):
        return "The request is not valid."
    data = response.data
    return str(data.get("detail", "")) if isinstance(data, dict) else str(data)
