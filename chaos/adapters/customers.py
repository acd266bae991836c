"""The shop as a customer sees it, by HTTP. At the end of a run it is compared with the contract's views."""

from __future__ import annotations

import threading
from collections.abc import Collection
from contextlib import suppress
from urllib.parse import quote

import httpx
import msgspec

from chaos.model.answers import MISSING, order_seen
from chaos.model.disguise import request_id
from chaos.model.dress import Asker, Clients, Lines
from chaos.model.evidence import SeatsShown, Shown

TIMEOUT_S = 5.0
_TIMES = {"timeout": httpx.Timeout(TIMEOUT_S).as_dict()}


class _Order(msgspec.Struct):
    status: str = MISSING


class _Tier(msgspec.Struct):
    id: object = None
    remaining: object = None


class _Event(msgspec.Struct):
    tiers: list[_Tier] = []


class Customers:
    """Reads orders with the tokens of the seeded customers, and events as anybody.

    Each thread has a connection of its own.
    """

    def __init__(self, url: str) -> None:
        self._url = httpx.URL(url)
        self._own = threading.local()

    def _client(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = httpx.Client(trust_env=False)
        return client

    def order(self, order_id: str, *, access: str, customer: int, asker: Asker) -> Shown:
        own = [("Authorization", f"Bearer {access}")]
        answer = self._get(f"/api/orders/{order_id}/", f"look-{order_id}", own, customer=customer, asker=asker)
        if answer is None:
            return Shown(order_id=order_id, http_status=0)
        if answer.status_code != httpx.codes.OK:
            return Shown(order_id=order_id, http_status=answer.status_code)
        try:
            status = msgspec.json.decode(answer.content, type=_Order).status
            seen, tickets = order_seen(answer.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Shown(order_id=order_id, http_status=answer.status_code, order_status=MISSING, seen=MISSING)
        return Shown(order_id=order_id, http_status=answer.status_code, order_status=status, seen=seen, tickets=tickets)

    def seats(self, slug: str, tiers: Collection[int], *, look: int, asker: Asker) -> list[SeatsShown]:
        answer = self._get(f"/api/events/{slug}/", f"look-{slug}-{look}", [], customer=None, asker=asker)
        left: dict[object, object] = {}
        if answer is not None and answer.status_code == httpx.codes.OK:
            with suppress(msgspec.DecodeError, UnicodeDecodeError, TypeError):
                left = {tier.id: tier.remaining for tier in msgspec.json.decode(answer.content, type=_Event).tiers}
        status = 0 if answer is None else answer.status_code
        return [SeatsShown(tier_id=tier, http_status=status, remaining=_whole(left.get(tier))) for tier in tiers]

    def _get(self, path: str, id_: str, own: Lines, *, customer: int | None, asker: Asker) -> httpx.Response | None:
        """The answer; None without one."""
        clients = Clients(asker.seed, self._url.netloc.decode())
        lines = clients.of(id_, customer).worn(own, request_id(asker.salt, id_))
        url = self._url.copy_with(raw_path=quote(path).encode())
        try:
            return self._client().send(httpx.Request("GET", url, headers=lines, extensions=_TIMES))
        except httpx.HTTPError:
            return None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
