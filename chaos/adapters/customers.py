"""The shop as a customer sees it, by HTTP. At the end of a run it is compared with the contract's views."""

from __future__ import annotations

import threading
from urllib.parse import quote

import httpx
import msgspec

from chaos.model.answers import MISSING, order_seen
from chaos.model.disguise import request_id
from chaos.model.dress import Asker, Clients
from chaos.model.evidence import Shown

TIMEOUT_S = 5.0
_TIMES = {"timeout": httpx.Timeout(TIMEOUT_S).as_dict()}


class _Order(msgspec.Struct):
    status: str = MISSING


class Customers:
    """Reads orders with the tokens of the seeded customers; each thread has a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = httpx.URL(url)
        self._own = threading.local()

    def _client(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = httpx.Client(trust_env=False)
        return client

    def order(self, order_id: str, *, access: str, customer: int, asker: Asker) -> Shown:
        id_ = f"look-{order_id}"
        clients = Clients(asker.seed, self._url.netloc.decode())
        lines = clients.of(id_, customer).worn([("Authorization", f"Bearer {access}")], request_id(asker.salt, id_))
        url = self._url.copy_with(raw_path=quote(f"/api/orders/{order_id}/").encode())
        try:
            answer = self._client().send(httpx.Request("GET", url, headers=lines, extensions=_TIMES))
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
