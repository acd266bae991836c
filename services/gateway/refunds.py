"""Requests for a refund."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.responses import Response

from services.gateway.calls import MAX_BODY_BYTES
from services.gateway.problems import problem

REFUNDS_PATH = "/refunds"


class RefundRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of POST /refunds: an order is refunded whole, so its id makes the call idempotent."""

    order_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^\S+$")]


def refund_request(body: bytes) -> RefundRequest | Response:
    """The request in *body*, or the error answer when it holds none."""
    if len(body) > MAX_BODY_BYTES:
        return problem(413, "too_large", f"body: got {len(body)} bytes, expected a small JSON object", REFUNDS_PATH)
    try:
        return msgspec.json.decode(body, type=RefundRequest)
    except msgspec.ValidationError as error:
        return problem(422, "invalid", f"body: {error}", REFUNDS_PATH)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return problem(400, "malformed", f"body: {error}", REFUNDS_PATH)
