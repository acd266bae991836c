"""All proxies by name."""

from __future__ import annotations

import asyncio
from typing import Any

from services.toxiproxy.decode import Fields, first_value, wrong_value
from services.toxiproxy.errors import (
    ApiError,
    bad_request_body,
    missing_field,
    proxy_already_exists,
    proxy_not_found,
)
from services.toxiproxy.metrics import ByteCounters
from services.toxiproxy.proxy import Proxy


class ProxyCollection:
    """See the module. Adding, replacing and deleting hold the lock until they are done; other calls wait."""

    def __init__(self) -> None:
        self.counters = ByteCounters()
        self._proxies: dict[str, Proxy] = {}
        self._lock = asyncio.Lock()

    async def all(self) -> list[Proxy]:
        """All proxies that exist now."""
        async with self._lock:
            return list(self._proxies.values())

    async def get(self, name: str) -> Proxy:
        """One proxy. Raises: ApiError 404."""
        async with self._lock:
            return self._find(name)

    async def add(self, body: bytes) -> Proxy:
        """Create a proxy. Raises: ApiError 400, 409, 500."""
        values = Fields(first_value(body), "Proxy")
        name, upstream = values.text("name", ""), values.text("upstream", "")
        listen, enabled = values.text("listen", ""), values.flag("enabled", True)
        for field, value in (("name", name), ("upstream", upstream)):
            if not value:
                raise missing_field(field)
        proxy = Proxy(name, listen, upstream, self.counters)
        async with self._lock:
            if name in self._proxies:
                raise proxy_already_exists()
            if enabled:
                await proxy.start()
            self._proxies[name] = proxy
        return proxy

    async def populate(self, body: bytes) -> tuple[list[Proxy], ApiError | None]:
        """Create or replace proxies in order, up to the first that fails. Unchanged ones are left alone.

        With an invalid entry, none is applied. Returns: the proxies that were handled, and the error or None.
        """
        try:
            wanted = _parse(body)
        except ApiError as error:
            return [], error
        done: list[Proxy] = []
        for name, listen, upstream, enabled in wanted:
            try:
                done.append(await self._add_or_replace(name, listen, upstream, enabled))
            except ApiError as error:
                return done, error
        return done, None

    async def _add_or_replace(self, name: str, listen: str, upstream: str, enabled: bool) -> Proxy:
        async with self._lock:
            if (existing := self._proxies.get(name)) is not None:
                if not await existing.differs(listen, upstream):
                    return existing
                await existing.stop()
            proxy = Proxy(name, listen, upstream, self.counters)
            if enabled:
                await proxy.start()
            self._proxies[name] = proxy
            return proxy

    async def remove(self, name: str) -> None:
        """Delete a proxy and close its connections. Raises: ApiError 404."""
        async with self._lock:
            await self._find(name).stop()
            del self._proxies[name]

    async def reset(self) -> None:
        """Enable all proxies, remove all toxics; stops at the first that can't be started. Raises: ApiError 500."""
        for proxy in await self.all():
            await proxy.start()
            await proxy.toxics.reset()

    def abandon(self) -> None:
        """End all proxies at once."""
        for proxy in self._proxies.values():
            proxy.abandon()

    def _find(self, name: str) -> Proxy:
        if name not in self._proxies:
            raise proxy_not_found()
        return self._proxies[name]


def _parse(body: bytes) -> list[tuple[str, str, str, bool]]:
    value = first_value(body)
    if value is not None and not isinstance(value, list):
        raise bad_request_body(wrong_value(value, "[]Proxy"))
    entries: list[tuple[str, str, str, bool]] = []
    items: list[Any] = value or []
    for item in items:
        values = Fields(item, "Proxy")
        name, listen, upstream = (values.text(key, "") for key in ("name", "listen", "upstream"))
        entries.append((name, listen, upstream, values.flag("enabled", True)))
    for number, (name, _, upstream, _) in enumerate(entries, start=1):
        for field, given in (("name", name), ("upstream", upstream)):
            if not given:
                raise missing_field(f"{field} at proxy {number}")
    return entries
