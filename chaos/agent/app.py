"""The agent's HTTP interface: health and metrics for everybody, the lease for who has the token."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chaos.agent.marks import routes as mark_routes
from chaos.agent.runs import RunDesk
from chaos.agent.runs import routes as run_routes
from chaos.agent.watchdog import Watchdog
from chaos.errors import InvalidInput


class Renewal(msgspec.Struct, forbid_unknown_fields=True):
    """Body of PUT /lease."""

    run_id: str
    folder: str
    ttl_s: float


class Release(msgspec.Struct, forbid_unknown_fields=True):
    """Body of DELETE /lease."""

    run_id: str


def problem(status: int, detail: str) -> Response:
    """RFC 9457."""
    body = {"type": "about:blank", "title": detail.partition(":")[0], "status": status, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")


def make_app(
    *,
    watchdog: Watchdog,
    registry: CollectorRegistry,
    token: str,
    watching: Callable[[], bool] = lambda: True,
    desk: RunDesk | None = None,
    evidence: Path | None = None,
    hostnames: Sequence[str] = ("127.0.0.1", "localhost"),
) -> Starlette:
    """Routes: GET /health, GET /metrics, PUT and DELETE /lease; with a desk also /runs and /scenarios.

    Args:
        desk: Starts and stops runs.
        evidence: Where runs are that can be labelled.
        hostnames: Names by which it may be asked; any other is a stranger's page (DNS rebinding).
        watching: Whether the watchdog runs. If not, health says so and no lease is taken, since nothing would heal.
    """

    def refused(request: Request) -> Response | None:
        # Bytes: comparing text that is not ASCII raises.
        if hmac.compare_digest(request.headers.get("X-Lab-Token", "").encode(), token.encode()):
            return None
        return problem(401, "X-Lab-Token: got none or a wrong one, expected the lab's token")

    def guarded(handler: Callable[[bytes], None]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if (refusal := refused(request)) is not None:
                return refusal
            if not watching():
                return problem(503, "watchdog: got nobody who looks at leases, expected a running one (make logs)")
            try:
                handler(await request.body())
            except (msgspec.DecodeError, InvalidInput) as error:
                return problem(400, f"body: {error}")
            return Response(status_code=204)

        return answer

    def renew(body: bytes) -> None:
        asked = msgspec.json.decode(body, type=Renewal)
        watchdog.renew(asked.run_id, asked.folder, asked.ttl_s)

    def release(body: bytes) -> None:
        watchdog.release(msgspec.json.decode(body, type=Release).run_id)

    async def health(_: Request) -> Response:
        alive = watching()
        return JSONResponse({"status": "ok" if alive else "blind", "run_id": watchdog.run_id}, 200 if alive else 503)

    async def metrics(_: Request) -> Response:
        text = await run_in_threadpool(generate_latest, registry)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        # Here, not after the server: uvicorn ends with the signal that ended it, and no code after it runs.
        if desk is not None:
            await run_in_threadpool(desk.close)

    return Starlette(
        lifespan=lifespan,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hostnames, www_redirect=False)],
        routes=[
            Route("/health", health),
            Route("/metrics", metrics),
            Route("/lease", guarded(renew), methods=["PUT"]),
            Route("/lease", guarded(release), methods=["DELETE"]),
            *(run_routes(desk, refused=refused, problem=problem) if desk is not None else ()),
            *(mark_routes(evidence, refused=refused, problem=problem) if evidence is not None else ()),
        ],
    )
