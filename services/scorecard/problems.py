"""All errors as problem+json, Django's own included. Source: RFC 9457."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.db import DatabaseError, DataError, InterfaceError, OperationalError
from django.http import HttpRequest, JsonResponse
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, ParseError, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler as rest_exception_handler

CONTENT_TYPE = "application/problem+json"
_logger = logging.getLogger(__name__)


class Conflict(APIException):
    """The object has changed since the caller read it.

    Attributes:
        current: The object as it is now, in the shape that a GET has.
    """

    status_code = status.HTTP_409_CONFLICT

    def __init__(self, detail: str, *, code: str, current: Mapping[str, Any]) -> None:
        super().__init__(detail, code)
        self.current = current


class Refused(APIException):
    """The request is well-formed, but not possible in the present state."""

    status_code = status.HTTP_409_CONFLICT


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The error handler of the REST framework. None lets Django's own handlers answer."""
    if isinstance(error, OperationalError | InterfaceError):
        return _database_away(error)
    if isinstance(error, DataError):  # a NUL character in a text, for PostgreSQL
        error = ParseError("text: got a character that the database can't hold, expected text")
    if isinstance(error, RecursionError):  # of Python's JSON: an array in an array in an array …
        error = ParseError("JSON: got too many levels, expected an object with a list of objects")
    response = rest_exception_handler(error, dict(context))
    if response is None:
        return None
    extra: dict[str, Any] = {}
    if isinstance(error, ValidationError):
        errors = list(_flatten(error.detail))
        detail = "; ".join(f"{each['pointer']}: {each['detail']}" for each in errors)
        code, extra["errors"] = "invalid", errors
    elif isinstance(error, APIException) and isinstance(error.detail, ErrorDetail):
        detail, code = str(error.detail), str(error.detail.code)
    else:
        detail, code = str(error) or HTTPStatus(response.status_code).phrase, _code(response.status_code)
    if isinstance(error, Conflict):
        extra["current"] = error.current
    response.data = _body(response.status_code, code, detail) | extra
    response.content_type = CONTENT_TYPE
    return response


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Django's handler400."""
    return problem(400, f"{request.method} {request.path}: {type(exception).__name__}")


def permission_denied(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Django's handler403."""
    return problem(403, f"{request.method} {request.path}: not permitted")


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Django's handler404."""
    return problem(404, f"{request.method} {request.path}: no such page")


def server_error(request: HttpRequest) -> JsonResponse:
    """Django's handler500."""
    return problem(500, f"{request.method} {request.path}: see the scorecard's log")


def csrf_failure(request: HttpRequest, reason: str = "") -> JsonResponse:
    """A form of the admin without its CSRF token."""
    return problem(403, f"{request.method} {request.path}: {reason}")


def problem(status_code: int, detail: str) -> JsonResponse:
    """An error answer outside the REST framework."""
    body = _body(status_code, _code(status_code), detail)
    return JsonResponse(body, status=status_code, content_type=CONTENT_TYPE)


def _body(status_code: int, code: str, detail: str) -> dict[str, Any]:
    title = HTTPStatus(status_code).phrase
    return {"type": "about:blank", "title": title, "status": status_code, "detail": detail, "code": code}


def _code(status_code: int) -> str:
    return HTTPStatus(status_code).phrase.lower().replace(" ", "_")


def _database_away(error: DatabaseError | InterfaceError) -> Response:
    _logger.error("database: %s", error)
    body = _body(503, "database_away", "The scorecard's database does not answer; nothing was saved.")
    return Response(body, 503, headers={"Retry-After": "1"}, content_type=CONTENT_TYPE)


def _flatten(detail: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """Every message of a validation error with the JSON pointer of its place."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _flatten(inner, pointer if name == "non_field_errors" else f"{pointer}/{name}")
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            # A list holds either the messages of one place, or one entry per item.
            yield from _flatten(inner, pointer if isinstance(inner, str) else f"{pointer}/{index}")
    else:
        yield {"pointer": pointer or "/", "detail": str(detail)}
