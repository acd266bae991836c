"""The HTTP side, for the lab: health, metrics, the mails that arrived, the callers, and a reset."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.door import DOOR
from services.mail.config import Config
from services.mail.metrics import Metrics
from services.mail.smtp import Catcher
from services.mail.store import Store

Handler = Callable[[Request], Awaitable[Response]]


class Lab:
    """The handlers over one store."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config, self._store = config, store
        self._lab_token = config.lab_token.encode()
        DOOR.proxy_port = config.proxy_port
        self._metrics = Metrics()
        self.catcher = Catcher(store, self._metrics)
        self.smtp_port = 0

    def app(self, on_ready: Callable[[], None] = lambda: None) -> Starlette:
        """The ASGI application. SMTP is served while it lives; its shutdown closes the store."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            server = await self.catcher.listen(self._config.host, self._config.smtp_port)
            self.smtp_port = server.sockets[0].getsockname()[1]
            on_ready()
            try:
                yield
            finally:
                server.close()
                self._store.close()

        return Starlette(
            routes=[
                Route("/health", self._health, methods=["GET"]),
                Route("/metrics", self._show_metrics, methods=["GET"]),
                Route("/lab/mails", self._lab(self._show_mails), methods=["GET"]),
                Route("/lab/callers", self._lab(self._show_callers), methods=["GET"]),
                Route("/lab/reset", self._lab(self._reset), methods=["POST"]),
            ],
            middleware=[
                Middleware(TrustedHostMiddleware, allowed_hosts=sorted(self._config.hostnames), www_redirect=False)
            ],
            lifespan=lifespan,
        )

    async def _health(self, _: Request) -> Response:
        return _json({"status": "ok"})

    async def _show_metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def _show_mails(self, _: Request) -> Response:
        return _json({"mails": await run_in_threadpool(self._store.mails)})

    async def _show_callers(self, _: Request) -> Response:
        """Who made SMTP connections without the proxy, the lab itself included."""
        return _json({"looks": DOOR.proxy_port is not None, "past": list(DOOR.past)})

    async def _reset(self, _: Request) -> Response:
        self._store.reset()
        return _json({"status": "reset"})

    def _lab(self, handler: Handler) -> Handler:
        """Require the lab's token: the code under test must not read or erase the mails that judge it."""

        async def guarded(request: Request) -> Response:
            given = request.headers.get("X-Lab-Token", "").encode()
            if not hmac.compare_digest(given, self._lab_token):
                detail = {"title": "Unauthorized", "status": 401, "detail": "X-Lab-Token: got none or a wrong one"}
                return Response(msgspec.json.encode(detail), 401, media_type="application/problem+json")
            return await handler(request)

        return guarded


def _json(body: Any) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json")
