"""The shop as a customer sees it, by HTTP. At the end of a run it is compared with the contract's views."""

from __future__ import annotations

import threading

import httpx
import msgspec

from chaos.model.answers import MISSING, order_seen
from chaos.model.evidence import Shown

TIMEOUT_S = 5.0


class _Order(msgspec.Struct):
    status: str = MISSING


class Customers:
    """Reads orders with the tokens of the seeded customers; each thread has a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._own = threading.local()

    def _client(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = httpx.Client(base_url=self._url, timeout=TIMEOUT_S, trust_env=False)
        return client

    def order(self, order_id: str, *, access: str) -> Shown:
        headers = {"Authorization": f"Bearer {access}"}
        try:
            answer = self._client().get(f"/api/orders/{order_id}/", headers=headers)
        except httpx.HTTPError:
            return Shown(order_id=order_id, http_status=0)
        if answer.status_code != httpx.codes.OK:
            return Shown(order_id=order_id, http_status=answer.status_code)
        try:
            status = msgspec.json.decode(answer.content, type=_Order).status
            seen, tickets = order_seen(answer.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Shown(order_id=order_id, http_status=answer.status_code, order_status=MISSING, seen=MISSING)
        return Shown(order_id=order_id, http_status=answer.status_code, order_status=status, seen=seen, tickets=tickets)
