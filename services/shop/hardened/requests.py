"""Limits on requests: a body must be JSON that can be read, stored and answered again. Anything else is a 4xx."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, NotAcceptable, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser

MAX_BODY_BYTES = 256 * 1024  # the largest useful body has a few kilobytes


class BodyTooLarge(APIException):
    """The body is larger than any useful one."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"
    default_detail = f"Expected at most {MAX_BODY_BYTES} bytes."


class StrictParser(JSONParser):
    """JSON of text and finite numbers, nested no deeper than it can be read.

    Python's parser takes more: half a surrogate pair, which a database can't store and an answer can't contain, and
    1e400, which becomes infinite.
    """

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The body. Raises: ParseError, BodyTooLarge."""
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge
        encoding = (parser_context or {}).get("encoding") or settings.DEFAULT_CHARSET
        try:
            found = json.loads(body.decode(encoding), parse_float=_finite, parse_constant=_no_constant)
            json.dumps(found, ensure_ascii=False).encode()
        except RecursionError:
            raise ParseError("JSON parse error: nested too deep.") from None
        except (ValueError, LookupError) as error:  # a lone surrogate and an undecodable byte are ValueErrors too
            raise ParseError(f"JSON parse error: {type(error).__name__}.") from None
        return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number beyond all numbers")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


class StrictNegotiation(DefaultContentNegotiation):
    """An `Accept` header that can't be read is answered 406."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """Like the base class. Raises: NotAcceptable, also for a header that can't be read."""
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except (ValueError, LookupError):
            raise NotAcceptable from None
