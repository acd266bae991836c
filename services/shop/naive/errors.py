"""What the API refuses, and how a refusal looks: problem+json, RFC 9457."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

PROBLEM_JSON = "application/problem+json"


class SoldOut(APIException):
    """Fewer seats are left than were asked for."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "sold_out"
    default_detail = "Not enough seats left."


class NotCancellable(APIException):
    """The order was refused: there is nothing to cancel."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "not_cancellable"
    default_detail = "This order can't be cancelled."


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler."""
    response = exception_handler(error, context)
    if response is None:
        return None
    response.data = problem(response.status_code, code=_code(error), detail=_detail(error, response))
    if isinstance(error, ValidationError):
        response.data["invalid_params"] = error.detail if isinstance(error.detail, dict) else {"body": error.detail}
    response.content_type = PROBLEM_JSON
    return response


def problem(status_code: int, *, code: str, detail: str) -> dict[str, Any]:
    """The body of an error."""
    title = HTTPStatus(status_code).phrase
    return {"type": "about:blank", "title": title, "status": status_code, "detail": detail, "code": code}


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
