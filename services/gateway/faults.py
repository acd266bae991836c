"""HTTP-level faults: slow answers, error answers, and the charge that is captured but never answered."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.calls import CHARGES_PATH, CallInProgress, call_of
from services.gateway.problems import problem
from services.gateway.protocol import drop_connection

Ratio = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class StatusFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answer a share of calls with *code*, without charging."""

    code: Annotated[int, msgspec.Meta(ge=400, le=599)] = 503
    ratio: Ratio = 0.0


class DropFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Charge a share of calls, then close their connection without an answer."""

    ratio: Ratio = 0.0


class Faults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All switches. The defaults are a healthy gateway; a switch that a PUT leaves out is off.

    Attributes:
        slow_s: Seconds added before a call is processed.
        seed: Of the random draw that picks the calls which a ratio hits, in the order of their arrival.
    """

    slow_s: Annotated[float, msgspec.Meta(ge=0.0, le=300.0)] = 0.0
    status: StatusFault = StatusFault()
    charge_then_drop: DropFault = DropFault()
    seed: int = 1

    @property
    def on(self) -> dict[str, Any]:
        """Switch → its settings, for the switches that differ from a healthy gateway."""
        healthy = Faults()
        return {name: own for name in SWITCHES if (own := getattr(self, name)) != getattr(healthy, name)}


# Every field but the seed: so a new switch is shown, counted and healed without further code.
SWITCHES = tuple(name for name in Faults.__struct_fields__ if name != "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What the switches do to one call. `status` is None when it may be charged."""

    slow_s: float
    status: int | None
    drop: bool


class Switches:
    """The faults in force, and the seeded draw over calls.

    Attributes:
        hits: Fault → calls for a charge that it has hit since this process began; canaries don't count.
    """

    def __init__(self) -> None:
        self.hits = dict.fromkeys(SWITCHES, 0)
        self._canary_random = random.Random(1)  # noqa: S311 - reproducible, not secret
        self.set(Faults())

    @property
    def current(self) -> Faults:
        """The faults in force."""
        return self._faults

    def set(self, faults: Faults) -> None:
        """Put *faults* in force for calls that arrive from now on; the draw starts anew."""
        self._faults = faults
        self._random = random.Random(faults.seed)  # noqa: S311 - reproducible, not secret

    def treat(self, *, canary: bool = False) -> Treatment:
        """Decide about the next call. Always draws twice, so that one switch does not change the draw of the other.

        A *canary* has a draw of its own: the number of canaries must not decide which calls are hit.
        """
        faults, draw = self._faults, self._canary_random if canary else self._random
        status_draw, drop_draw = draw.random(), draw.random()
        return Treatment(
            slow_s=faults.slow_s,
            status=faults.status.code if status_draw < faults.status.ratio else None,
            drop=drop_draw < faults.charge_then_drop.ratio,
        )


class FaultMiddleware:
    """Applies the switches to calls for a charge; everything else passes untouched."""

    def __init__(self, app: ASGIApp, switches: Switches) -> None:
        self._app = app
        self._switches = switches

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = call_of(scope)
        if call is None:
            await self._app(scope, receive, send)
            return
        treatment = self._switches.treat(canary=call.canary)
        if treatment.slow_s:
            self._hit("slow_s", call)
            await asyncio.sleep(treatment.slow_s)
        if treatment.status is not None:
            call.decide(status=treatment.status, outcome="fault_status")
            self._hit("status", call)
            answer = problem(treatment.status, "fault", "The gateway was told to fail this call.", CHARGES_PATH)
            await answer(scope, receive, send)
        elif treatment.drop:
            await self._charge_then_drop(call, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _hit(self, fault: str, call: CallInProgress) -> None:
        if not call.canary:
            self._switches.hits[fault] += 1

    async def _charge_then_drop(self, call: CallInProgress, scope: Scope, receive: Receive, send: Send) -> None:
        withheld: list[Message] = []

        async def withhold(message: Message) -> None:
            withheld.append(message)

        await self._app(scope, receive, withhold)
        if call.charged:
            call.decide(status=call.status, outcome="dropped")
            call.withheld = True
            self._hit("charge_then_drop", call)
            await drop_connection(scope, receive)
        else:  # nothing was charged, so the answer is not withheld
            for message in withheld:
                await send(message)
