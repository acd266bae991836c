"""The payment gateway."""

from __future__ import annotations

import asyncio
from functools import cache

import httpx
from django.conf import settings

from ..core.metrics import dependency_call
from .guards import Guard, Refused
from .models import Order

DEADLINE_S = 3.0  # for a whole call: httpx's own timeouts start again with every byte
REFUSALS = {400, 402, 422}


class GatewayUnavailable(Exception):
    """No answer that says whether the money was taken. Asking again with the same key is safe."""


class ChargeRefused(Exception):
    """The gateway has refused for good."""


# A worker process makes one call at a time; a gateway that keeps failing is not called for a moment.
GATEWAY = Guard("gateway", at_once=1, wait_s=0.0, fail_max=5, reset_s=1.0, failures=(GatewayUnavailable,))


def charge(order: Order) -> str:
    """Take the money for *order*, once however often this is called. Returns the charge's id.

    Raises:
        GatewayUnavailable: Worth another try.
        ChargeRefused: Nothing was taken and nothing will be.
    """
    body = {"order_id": str(order.pk), "amount_cents": order.amount_cents}
    response = _answer("/charges", body, key=f"order-{order.pk}")
    if response.status_code in REFUSALS:
        raise ChargeRefused(f"HTTP {response.status_code}")
    try:
        return str(response.json()["charge_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise GatewayUnavailable("an answer without a charge_id") from error


def refund(order: Order) -> None:
    """Refund what was taken for *order*, and refuse charges that are still under way. Repeating it changes nothing.

    Raises:
        GatewayUnavailable: Worth another try.
    """
    response = _answer("/refunds", {"order_id": str(order.pk)}, key=f"refund-{order.pk}")
    if not response.is_success:
        raise GatewayUnavailable(f"HTTP {response.status_code}")


def _answer(path: str, body: dict[str, object], *, key: str) -> httpx.Response:
    """The gateway's answer to a call: success, or a final refusal."""
    try:
        with GATEWAY.call(), dependency_call("gateway"):
            return _loop().run(_post(path, body, key))
    except Refused as error:
        raise GatewayUnavailable(str(error)) from error


async def _post(path: str, body: dict[str, object], key: str) -> httpx.Response:
    try:
        async with asyncio.timeout(DEADLINE_S):
            response = await _client().post(path, json=body, headers={"Idempotency-Key": key})
    except (TimeoutError, httpx.TransportError) as error:
        raise GatewayUnavailable(f"{type(error).__name__}: {error}") from error
    if not response.is_success and response.status_code not in REFUSALS:
        raise GatewayUnavailable(f"HTTP {response.status_code}")
    return response


@cache
def _loop() -> asyncio.Runner:
    """One event loop for each worker process, so that connections are kept."""
    return asyncio.Runner()


@cache
def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=settings.GATEWAY_URL,
        timeout=DEADLINE_S,
        verify=False,  # noqa: S501  (plain HTTP)
        trust_env=False,  # a proxy of the environment is meant for other machines
    )
