"""Errors of the API, with the real server's words and status codes."""

from __future__ import annotations


class ApiError(Exception):
    """The error with which a request is refused.

    Attributes:
        message: The text under `error`.
        status: HTTP status.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def bad_request_body(reason: str) -> ApiError:
    """The body is not what this endpoint reads."""
    return ApiError(f"bad request body: {reason}", 400)


def missing_field(field: str) -> ApiError:
    """A proxy without a name or an upstream."""
    return ApiError(f"missing required field: {field}", 400)


def proxy_not_found() -> ApiError:
    """No proxy of that name."""
    return ApiError("proxy not found", 404)


def proxy_already_exists() -> ApiError:
    """Names of proxies are unique."""
    return ApiError("proxy already exists", 409)


def invalid_stream() -> ApiError:
    """Neither upstream nor downstream."""
    return ApiError("stream was invalid, can be either upstream or downstream", 400)


def invalid_toxic_type() -> ApiError:
    """No such toxic."""
    return ApiError("invalid toxic type", 400)


def toxic_already_exists() -> ApiError:
    """Names of toxics are unique over both streams of a proxy."""
    return ApiError("toxic already exists", 409)


def toxic_not_found() -> ApiError:
    """No toxic of that name on this proxy."""
    return ApiError("toxic not found", 404)


def dangerous(reason: str) -> ApiError:
    """Attributes on which the real server crashes; the stand-in refuses them instead."""
    return ApiError(f"dangerous attributes: {reason}", 400)


def cannot_listen(reason: str) -> ApiError:
    """The listen address can't be resolved or bound."""
    return ApiError(reason, 500)
