"""The gateway's HTTP interface."""

from __future__ import annotations

import asyncio
import hmac
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.door import DOOR
from services.gateway.calls import CANARY_PATH, CHARGES_PATH, MAX_BODY_BYTES, CallMiddleware, CallsInProgress, call_of
from services.gateway.config import Config
from services.gateway.faults import FaultMiddleware, Faults, Switches
from services.gateway.ledger import KeyReused, Ledger, OrderClosed
from services.gateway.metrics import Metrics
from services.gateway.problems import problem
from services.gateway.refunds import REFUNDS_PATH, refund_request

Handler = Callable[[Request], Awaitable[Response]]


class Gateway:
    """One payment provider: its ledger, its switches and the handlers over them."""

    def __init__(self, config: Config, ledger: Ledger) -> None:
        self._processing_s = config.processing_ms / 1000
        self._lab_token = config.lab_token.encode()
        self._hostnames = sorted(config.hostnames)
        self._ledger = ledger
        self._switches = Switches()
        self._in_progress = CallsInProgress()
        self._metrics = Metrics()
        self._canaries: deque[str] = deque(maxlen=1000)
        DOOR.proxy_port = config.proxy_port

    def app(self) -> Starlette:
        """The ASGI application. Its shutdown closes the ledger."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            yield
            self._ledger.close()

        return Starlette(
            routes=[
                Route(CHARGES_PATH, self._charge, methods=["POST"]),
                Route(REFUNDS_PATH, self._refund, methods=["POST"]),
                Route("/health", self._health, methods=["GET"]),
                Route("/echo", self._echo, methods=["POST"]),
                Route("/metrics", self._show_metrics, methods=["GET"]),
                Route("/lab/reset", self._lab(self._reset), methods=["POST"]),
                Route("/lab/ledger", self._lab(self._show_ledger), methods=["GET"]),
                Route("/lab/calls", self._lab(self._show_calls), methods=["GET"]),
                Route("/lab/inflight", self._lab(self._show_in_flight), methods=["GET"]),
                Route("/lab/faults", self._lab(self._show_faults), methods=["GET"]),
                Route("/lab/faults", self._lab(self._set_faults), methods=["PUT"]),
                Route("/lab/faults/on", self._lab(self._show_on), methods=["GET"]),
                Route("/lab/callers", self._lab(self._show_callers), methods=["GET"]),
                Route("/lab/hits", self._lab(self._show_hits), methods=["GET"]),
                Route(CANARY_PATH, self._lab(self._canary), methods=["POST"]),
                Route(CANARY_PATH, self._lab(self._show_canary), methods=["GET"]),
            ],
            middleware=[
                Middleware(TrustedHostMiddleware, allowed_hosts=self._hostnames, www_redirect=False),
                Middleware(CallMiddleware, ledger=self._ledger, in_progress=self._in_progress, metrics=self._metrics),
                Middleware(FaultMiddleware, switches=self._switches),
            ],
            exception_handlers={HTTPException: _http_error, Exception: _internal_error},
            lifespan=lifespan,
        )

    async def _charge(self, request: Request) -> Response:
        """Process, then capture: a caller that hangs up meanwhile is still charged."""
        call = call_of(request.scope)
        assert call is not None
        wanted, key = call.request, call.idempotency_key
        try:
            charge = self._ledger.find(idempotency_key=key, order_id=wanted.order_id, amount_cents=wanted.amount_cents)
            replayed = charge is not None
            if charge is None:
                await asyncio.sleep(self._processing_s)
                if call.epoch != self._in_progress.epoch:
                    call.decide(status=503, outcome="stale")
                    return problem(503, "ledger_reset", "The ledger was reset during this call.", CHARGES_PATH)
                charge, replayed = self._ledger.capture(
                    order_id=wanted.order_id,
                    idempotency_key=key,
                    amount_cents=wanted.amount_cents,
                    captured_unix_s=time.time(),
                )
        except KeyReused as error:
            call.decide(status=422, outcome="key_reused")
            return problem(422, "key_reused", str(error), CHARGES_PATH)
        except OrderClosed as error:
            call.decide(status=402, outcome="order_closed")
            return problem(402, "order_closed", str(error), CHARGES_PATH)
        if not replayed:
            self._metrics.charges.inc()
        call.charged, call.replayed = True, replayed
        call.decide(status=200 if replayed else 201, outcome="replayed" if replayed else "captured")
        body = {
            "charge_id": charge.charge_id,
            "status": "captured",
            "order_id": charge.order_id,
            "amount_cents": charge.amount_cents,
        }
        return _json(body | ({"replayed": True} if replayed else {}), call.status)

    async def _refund(self, request: Request) -> Response:
        """Refund all charges of an order, and close it for new ones. Repeating the call changes nothing."""
        wanted = refund_request(await request.body())
        if isinstance(wanted, Response):
            return wanted
        epoch = self._in_progress.epoch
        await asyncio.sleep(self._processing_s)
        if epoch != self._in_progress.epoch:
            return problem(503, "ledger_reset", "The ledger was reset during this call.", REFUNDS_PATH)
        refunds, replayed = self._ledger.refund(order_id=wanted.order_id, refunded_unix_s=time.time())
        body = {
            "order_id": wanted.order_id,
            "status": "refunded",
            "refunded_cents": sum(refund.amount_cents for refund in refunds),
        }
        return _json(body | ({"replayed": True} if replayed else {}), 200 if replayed else 201)

    async def _health(self, _: Request) -> Response:
        return _json({"status": "ok"})

    async def _echo(self, request: Request) -> Response:
        """Answers with the body: a canary measures a network path with it. Nothing is charged."""
        body = await request.body()
        if len(body) > MAX_BODY_BYTES:
            return problem(413, "too_large", f"body: got {len(body)} bytes, expected a few", request.url.path)
        return Response(body, media_type="application/octet-stream")

    async def _canary(self, request: Request) -> Response:
        """A charge that the lab itself asks for: the switches apply to it, but it is not in the ledger."""
        call = call_of(request.scope)
        assert call is not None
        key = (await request.body())[:64].decode("ascii", "replace")
        self._canaries.append(key)
        call.charged = True
        call.decide(status=201, outcome="captured")
        return _json({"captured": key}, 201)

    async def _show_canary(self, request: Request) -> Response:
        return _json({"captured": request.query_params.get("key", "") in self._canaries})

    async def _show_callers(self, _: Request) -> Response:
        """Who connected without the proxy, the lab itself included, and whether callers can be looked up at all."""
        return _json({"looks": DOOR.proxy_port is not None, "past": list(DOOR.past)})

    async def _show_hits(self, _: Request) -> Response:
        return _json(self._switches.hits)

    async def _show_metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def _reset(self, _: Request) -> Response:
        self._ledger.reset()
        self._in_progress.reset()
        self._switches.set(Faults())
        return _json({"status": "reset"})

    async def _show_ledger(self, _: Request) -> Response:
        charges, refunds = await run_in_threadpool(lambda: (self._ledger.charges(), self._ledger.refunds()))
        return _json({"charges": charges, "refunds": refunds})

    async def _show_calls(self, request: Request) -> Response:
        text = request.query_params.get("since", "0")
        try:
            since_unix_s = float(text)
        except ValueError:
            since_unix_s = math.nan
        if not math.isfinite(since_unix_s):
            detail = f"since: got {text[:40]!r}, expected seconds since the epoch"
            return problem(400, "invalid", detail, request.url.path)
        calls = await run_in_threadpool(self._ledger.calls, since_unix_s=since_unix_s)
        return _json({"calls": calls})

    async def _show_in_flight(self, _: Request) -> Response:
        calls = [
            {
                "order_id": call.request.order_id,
                "idempotency_key": call.idempotency_key,
                "arrived_unix_s": call.arrived_unix_s,
            }
            for call in self._in_progress
        ]
        return _json({"in_flight": calls})

    async def _show_faults(self, _: Request) -> Response:
        return _json(self._switches.current)

    async def _show_on(self, _: Request) -> Response:
        return _json({"on": self._switches.current.on})

    async def _set_faults(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > MAX_BODY_BYTES:
            return problem(413, "too_large", f"body: got {len(body)} bytes, expected a few", request.url.path)
        try:
            faults = msgspec.json.decode(body, type=Faults)
        except msgspec.ValidationError as error:
            return problem(422, "invalid", f"body: {error}", request.url.path)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return problem(400, "malformed", f"body: {error}", request.url.path)
        self._switches.set(faults)
        return _json(faults)

    def _lab(self, handler: Handler) -> Handler:
        """Require the lab's token: the API under test shares this port and must not be able to lift its own fault."""

        async def guarded(request: Request) -> Response:
            given = request.headers.get("X-Lab-Token", "").encode()
            if not hmac.compare_digest(given, self._lab_token):
                return problem(401, "unauthorized", "X-Lab-Token: got none or a wrong one", request.url.path)
            return await handler(request)

        return guarded


def _json(body: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = error.detail.lower().replace(" ", "_")
    detail = f"{request.method} {request.url.path}: {error.detail}"
    answer = problem(error.status_code, code, detail, request.url.path)
    answer.headers.update(error.headers or {})
    return answer


async def _internal_error(request: Request, error: Exception) -> Response:
    return problem(500, "internal", f"{type(error).__name__}: see the gateway's log", request.url.path)
