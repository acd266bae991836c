"""The payment gateway past its proxy: its ledger and record of calls are witnesses."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import httpx
import msgspec

from chaos.adapters.http import why
from chaos.errors import LabBroken
from chaos.model.evidence import Charge, GatewayCall, Refund
from chaos.ports import GatewayReading

_T = TypeVar("_T")
TIMEOUT_S = 5.0


class _Charges(msgspec.Struct):
    charges: list[Charge]


class _Refunds(msgspec.Struct):
    refunds: list[Refund]


class _Calls(msgspec.Struct):
    calls: list[GatewayCall]


class _Arrived(msgspec.Struct):
    arrived_unix_s: float


class _InFlight(msgspec.Struct):
    in_flight: list[_Arrived]


class _Status(msgspec.Struct):
    code: int
    ratio: float


class _Drop(msgspec.Struct):
    ratio: float


class _Faults(msgspec.Struct):
    slow_s: float
    status: _Status
    charge_then_drop: _Drop
    seed: int

    @property
    def on(self) -> list[str]:
        """What is on, in words."""
        shares = {"status": self.status.ratio, "charge_then_drop": self.charge_then_drop.ratio}
        slow = [f"slow_s {self.slow_s:g}"] if self.slow_s else []
        return slow + [f"{name} for {share * 100:g} % of the calls" for name, share in shares.items() if share]


class Gateway:
    """Everything below /lab of the gateway. Raises: LabBroken past the deadline or on an unexpected answer."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._client = httpx.Client(base_url=url, headers={"X-Lab-Token": token}, timeout=TIMEOUT_S, trust_env=False)
        self._switching = threading.Lock()

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
        """All charges of the ledger."""
        return self._read("/lab/ledger", _Charges).charges

    def refunds(self) -> list[Refund]:
        """All refunds of the ledger."""
        return self._read("/lab/ledger", _Refunds).refunds

    def switch(self, fault: str, settings: Mapping[str, Any], *, seed: int) -> Mapping[str, Any]:
        # The gateway takes all switches at once: two faults of a run must not put each other out.
        with self._switching:
            now = msgspec.to_builtins(self._read("/lab/faults", _Faults))
            self._ask("PUT", "/lab/faults", json={**now, fault: dict(settings), "seed": seed})
            found: Mapping[str, Any] = msgspec.to_builtins(self._read("/lab/faults", _Faults))[fault]
        if found != dict(settings):
            raise LabBroken(f"gateway: {fault}: got {found} after setting it, expected {dict(settings)}")
        return found

    def hits(self, fault: str) -> int:
        return self._read("/lab/hits", dict[str, int]).get(fault, 0)

    def canary(self, *, timeout_s: float) -> GatewayReading:
        key = uuid.uuid4().hex
        status, error = None, ""
        # A client of its own: a fresh connection, which is closed behind it.
        with httpx.Client(
            base_url=self._url, headers=self._client.headers, timeout=timeout_s, trust_env=False
        ) as client:
            try:
                status = client.post("/lab/canary", content=key).status_code
            except httpx.HTTPError as failed:
                error = type(failed).__name__
        try:
            captured = self._read("/lab/canary", dict[str, bool], params={"key": key}).get("captured", False)
        except LabBroken:
            captured = False
        return GatewayReading(status=status, captured=captured, error=error)

    def heal(self) -> None:
        if self.deviations():
            self._ask("PUT", "/lab/faults", json={"seed": int(time.time())})  # what is left out is off
            if left := self.deviations():
                raise LabBroken(f"gateway: PUT /lab/faults: got {'; '.join(left)}")

    def deviations(self) -> Sequence[str]:
        return [f"gateway: got the fault {what}, expected none" for what in self._read("/lab/faults", _Faults).on]
