"""One proxy: a listening socket, and for each client a connection to the upstream."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from typing import Any

from services.toxiproxy import address
from services.toxiproxy.chain import ToxicChain
from services.toxiproxy.connection import Side
from services.toxiproxy.decode import Fields, first_value
from services.toxiproxy.link import Link
from services.toxiproxy.metrics import ByteCounters

_LOG = logging.getLogger(__name__)
_RETRY_ACCEPT_S = 0.05


class Proxy:
    """See the module. Clients are accepted one by one, the next when the upstream of the one before was dialled, as in
    the real server.

    Attributes:
        listen: Where it listens: as requested until it is started, then the real address.
        enabled: Whether it accepts clients.
    """

    def __init__(self, name: str, listen: str, upstream: str, counters: ByteCounters) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.enabled = False
        self.toxics = ToxicChain(self._link_ended)
        self._counters = counters
        self._lock = asyncio.Lock()
        self._sides: set[Side] = set()
        self._listener: socket.socket | None = None
        self._server: asyncio.Task[None] | None = None
        self._dialling = False
        self._stopping = False

    async def describe(self) -> dict[str, Any]:
        """The proxy as the API shows it; waits until a change of its toxics is done."""
        toxics = await self.toxics.describe()
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            "Logger": {},
            "toxics": toxics,
        }

    async def start(self) -> None:
        """Listen, unless it does already. Raises: ApiError 500; then it is disabled."""
        async with self._lock:
            await self._start()

    async def stop(self) -> None:
        """Refuse clients and close all connections; waits for a dial that is under way."""
        async with self._lock:
            await self._stop()

    async def update(self, body: bytes) -> None:
        """Merge listen, upstream and enabled. Raises: ApiError 400, 500."""
        values = Fields(first_value(body), "Proxy")
        values.text("name", "")  # ignored, but has to be a string
        listen = values.text("listen", self.listen)
        upstream = values.text("upstream", self.upstream)
        enabled = values.flag("enabled", self.enabled)
        async with self._lock:
            if await self.differs(listen, upstream):
                await self._stop()
                self.listen, self.upstream = listen, upstream
            if enabled and not self.enabled:
                await self._start()
            elif self.enabled and not enabled:
                await self._stop()

    async def differs(self, listen: str, upstream: str) -> bool:
        """Whether it has to be restarted for these addresses. Raises: ApiError 500."""
        return await address.resolve(listen) != self.listen or upstream != self.upstream

    def abandon(self) -> None:
        """End at once, without waiting for anything: the process is going down."""
        self.enabled = False
        if self._server is not None:
            self._server.cancel()
        self._close_listener()
        for side in list(self._sides):
            side.abort()

    async def _start(self) -> None:
        if self.enabled:
            return
        self._listener = await address.listener(self.listen)
        self.listen = address.of(self._listener)
        self._stopping = False
        self._server = asyncio.get_running_loop().create_task(self._serve(self._listener))
        self.enabled = True

    async def _stop(self) -> None:
        if not self.enabled:
            return
        self.enabled = False
        self._stopping = True
        if self._server is not None:
            if not self._dialling:
                self._server.cancel()
                await asyncio.wait({self._server})
            self._close_listener()
            await asyncio.wait({self._server})
        for side in list(self._sides):
            side.abort()

    def _close_listener(self) -> None:
        if self._listener is not None:
            # The task that waits for clients was cancelled, and so no longer watches this socket.
            self._listener.close()
            self._listener = None

    async def _serve(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping:
            try:
                client, peer = await loop.sock_accept(listener)
            except OSError as error:
                _LOG.warning("proxy %s: could not accept a client: %s", self.name, error)
                await asyncio.sleep(_RETRY_ACCEPT_S)
                continue
            # In the real server's form: the watch counts connections in the log of either.
            told = {"name": self.name, "client": address.join(str(peer[0]), int(peer[1])), "message": "Accepted client"}
            _LOG.info("%s", json.dumps(told, separators=(",", ":")))
            self._dialling = True
            try:
                await self._connect(client)
            except Exception:
                _LOG.exception("proxy %s: a client could not be connected", self.name)
            finally:
                self._dialling = False

    async def _connect(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            host, port = address.split(self.upstream)
            _, server_side = await loop.create_connection(self._side, host or address.LOOPBACK, int(port))
        except (OSError, ValueError, OverflowError) as error:
            _LOG.debug("proxy %s: no connection to %s: %s", self.name, self.upstream, error)
            client.close()
            return
        except BaseException:
            client.close()
            raise
        try:
            _, client_side = await loop.connect_accepted_socket(self._side, client)
            await self.toxics.start_links(client_side, server_side)
        except BaseException:
            server_side.abort()
            raise

    def _side(self) -> Side:
        side = Side(self._sides.discard)
        self._sides.add(side)
        return side

    def _link_ended(self, link: Link) -> None:
        self._counters.add(link, proxy=self.name, listener=self.listen, upstream=self.upstream)
