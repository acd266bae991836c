"""The payment gateway past its proxy: its ledger and record of calls are witnesses."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, TypeVar

import httpx
import msgspec

from chaos.adapters.http import why
from chaos.errors import LabBroken
from chaos.model.evidence import Charge, GatewayCall

_T = TypeVar("_T")
TIMEOUT_S = 5.0
_QUIET = {"slow_s": 0.0, "status": {"code": 503, "ratio": 0.0}, "charge_then_drop": {"ratio": 0.0}}


class _Charges(msgspec.Struct):
    charges: list[Charge]


class _Calls(msgspec.Struct):
    calls: list[GatewayCall]


class _Arrived(msgspec.Struct):
    arrived_unix_s: float


class _InFlight(msgspec.Struct):
    in_flight: list[_Arrived]


class _Status(msgspec.Struct):
    ratio: float


class _Faults(msgspec.Struct):
    slow_s: float
    status: _Status
    charge_then_drop: _Status

    @property
    def quiet(self) -> bool:
        """Whether none is on."""
        return not (self.slow_s or self.status.ratio or self.charge_then_drop.ratio)


class Gateway:
    """Everything below /lab of the gateway. Raises: LabBroken past the deadline or on an unexpected answer."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(base_url=url, headers={"X-Lab-Token": token}, timeout=TIMEOUT_S, trust_env=False)

    def _ask(self, method: str, path: str, **kwargs: Any) -> bytes:
        try:
            answer = self._client.request(method, path, **kwargs)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise LabBroken(f"gateway: {method} {path}: got {why(error)}, expected an answer") from None
        return answer.content

    def _read(self, path: str, type_: type[_T], **kwargs: Any) -> _T:
        content = self._ask("GET", path, **kwargs)
        try:
            return msgspec.json.decode(content, type=type_)
        except msgspec.DecodeError as error:
            raise LabBroken(f"gateway: GET {path}: got {error}, expected the gateway's answer") from None

    def in_flight_since(self) -> Sequence[float]:
        return [call.arrived_unix_s for call in self._read("/lab/inflight", _InFlight).in_flight]

    def calls(self, since_unix_s: float = 0.0) -> list[GatewayCall]:
        """Calls that arrived since then, oldest first."""
        return self._read("/lab/calls", _Calls, params={"since": since_unix_s}).calls

    def calls_between(self, since_unix_s: float, until_unix_s: float) -> int:
        return sum(
            1
            for call in self.calls()
            if call.arrived_unix_s <= until_unix_s
            and (call.answered_unix_s is None or call.answered_unix_s >= since_unix_s)
        )

    def arrived_since(self, since_unix_s: float) -> int:
        """Calls that arrived since then."""
        return sum(1 for call in self.calls(since_unix_s) if call.arrived_unix_s >= since_unix_s)

    def charges(self) -> list[Charge]:
        """The whole ledger."""
        return self._read("/lab/ledger", _Charges).charges

    def heal(self) -> None:
        if not self._read("/lab/faults", _Faults).quiet:
            self._ask("PUT", "/lab/faults", json={**_QUIET, "seed": int(time.time())})
            if not self._read("/lab/faults", _Faults).quiet:
                raise LabBroken("gateway: PUT /lab/faults: got faults that are still on, expected none")
