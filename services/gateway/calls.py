"""Calls for a charge: parsed, put on record on arrival, completed when they end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.ledger import Ledger
from services.gateway.metrics import Metrics
from services.gateway.problems import problem
from services.gateway.protocol import caller_is_gone, caller_of

CHARGES_PATH = "/charges"
CANARY_PATH = "/lab/canary"
MAX_BODY_BYTES = 64 * 1024
MAX_KEY_CHARACTERS = 255
_CALL = "firedrill.call"


class ChargeRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of POST /charges."""

    order_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^\S+$")]
    amount_cents: Annotated[int, msgspec.Meta(ge=1, le=100_000_000)]


@dataclass(slots=True, kw_only=True)
class CallInProgress:
    """One call from its arrival to its end; the middlewares and the handler record its progress here.

    Attributes:
        epoch: Of the ledger at arrival; a reset starts a new one.
        status: What the gateway decided to answer; 0 while undecided.
        charged: Whether the ledger holds the call's charge.
        withheld: Whether the answer was withheld by a switch.
        canary: A call of the lab itself: the switches apply to it, and it is not in the ledger.
        through_proxy: See `door.Caller`.
    """

    call_id: int
    epoch: int
    request: ChargeRequest
    idempotency_key: str
    arrived_unix_s: float
    status: int = 0
    outcome: str = "failed"
    charged: bool = False
    replayed: bool = False
    withheld: bool = False
    canary: bool = False
    through_proxy: bool | None = None

    def decide(self, *, status: int, outcome: str) -> None:
        """Note the answer. *outcome* is a label of the metric gateway_calls_total."""
        self.status = status
        self.outcome = outcome


class CallsInProgress:
    """Calls that this process is working on, and their epoch."""

    def __init__(self) -> None:
        self.epoch = 0
        self._calls: dict[int, CallInProgress] = {}

    def __iter__(self) -> Iterator[CallInProgress]:
        return iter(self._calls.values())

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, call: CallInProgress) -> None:
        """The call has arrived."""
        self._calls[id(call)] = call

    def discard(self, call: CallInProgress) -> None:
        """The call has ended; without effect after a reset."""
        self._calls.pop(id(call), None)

    def reset(self) -> None:
        """Forget the calls in flight. A call of an older epoch may no longer charge: its run is over."""
        self.epoch += 1
        self._calls.clear()


def call_of(scope: Scope) -> CallInProgress | None:
    """The call for a charge of this request; None for other requests."""
    call: CallInProgress | None = scope.get(_CALL)
    return call


class CallMiddleware:
    """Puts a call of POST /charges on record before the switches or the handler see it."""

    def __init__(self, app: ASGIApp, ledger: Ledger, in_progress: CallsInProgress, metrics: Metrics) -> None:
        self._app = app
        self._ledger = ledger
        self._in_progress = in_progress
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == CANARY_PATH and scope["method"] == "POST":
            scope[_CALL] = self._canary()
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http" or scope["path"] != CHARGES_PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        arrived_unix_s = time.time()
        parsed = await _parse(scope, receive)
        if isinstance(parsed, Response):
            self._metrics.calls.labels("invalid").inc()
            await parsed(scope, receive, send)
            return
        request, key = parsed
        caller = caller_of(scope)
        through_proxy = caller.through_proxy if caller else None
        call = CallInProgress(
            call_id=self._ledger.call_arrived(
                order_id=request.order_id,
                idempotency_key=key,
                arrived_unix_s=arrived_unix_s,
                through_proxy=through_proxy,
            ),
            through_proxy=through_proxy,
            epoch=self._in_progress.epoch,
            request=request,
            idempotency_key=key,
            arrived_unix_s=arrived_unix_s,
        )
        scope[_CALL] = call
        await self._follow(call, scope, receive, send)

    def _canary(self) -> CallInProgress:
        return CallInProgress(
            call_id=0,
            epoch=self._in_progress.epoch,
            request=ChargeRequest(order_id="canary", amount_cents=1),
            idempotency_key="",
            arrived_unix_s=time.time(),
            canary=True,
        )

    async def _follow(self, call: CallInProgress, scope: Scope, receive: Receive, send: Send) -> None:
        started_s = time.perf_counter()
        gone = False

        async def watch(message: Message) -> None:
            nonlocal gone
            gone = gone or caller_is_gone(scope)
            await send(message)

        self._in_progress.add(call)
        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, watch)
        except Exception:
            call.decide(status=500, outcome="failed")
            raise
        finally:
            self._in_progress.discard(call)
            self._metrics.in_flight.dec()
            self._metrics.calls.labels("gone" if gone else call.outcome).inc()
            self._metrics.call_seconds.observe(time.perf_counter() - started_s)
            if call.status and call.epoch == self._in_progress.epoch:
                unanswered = gone or call.withheld
                self._ledger.call_ended(
                    call.call_id,
                    answered_unix_s=None if unanswered else time.time(),
                    status=call.status,
                    replayed=call.replayed,
                )


async def _parse(scope: Scope, receive: Receive) -> tuple[ChargeRequest, str] | Response:
    key = Headers(scope=scope).get("idempotency-key")
    if key is not None and not (0 < len(key) <= MAX_KEY_CHARACTERS and key.isascii() and key.isprintable()):
        detail = f"Idempotency-Key: got {key[:40]!r}, expected 1 to {MAX_KEY_CHARACTERS} printable ASCII characters"
        return problem(400, "bad_key", detail, CHARGES_PATH)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return problem(400, "incomplete", "body: got a part of it, expected all", CHARGES_PATH)
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            detail = f"body: got more than {MAX_BODY_BYTES} bytes, expected a small JSON object"
            return problem(413, "too_large", detail, CHARGES_PATH)
        if not message.get("more_body"):
            break
    try:
        return msgspec.json.decode(body, type=ChargeRequest), key or ""
    except msgspec.ValidationError as error:
        return problem(422, "invalid", f"body: {error}", CHARGES_PATH)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return problem(400, "malformed", f"body: {error}", CHARGES_PATH)
