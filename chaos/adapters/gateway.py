"""The payment gateway, past its proxy. Its ledger and its record of calls are witnesses."""

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
# A call counts as arrived with its head, and its body is sent last; the caller and the gateway are timed by two clocks.
APART_S = 0.1


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


class _On(msgspec.Struct):
    on: dict[str, Any]


class Gateway:
    """The gateway's endpoints below /lab. Raises: LabBroken after the deadline, or on an unexpected answer."""

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

    def charges_among(self, asked_unix_s: Sequence[float], until_unix_s: float) -> int:
        # Latest first: a call that came too early for one question came too early for all later ones.
        arrived = sorted(
            (
                call.arrived_unix_s
                for call in (self.calls(min(asked_unix_s) - APART_S) if asked_unix_s else [])
                if call.through_proxy is not False and call.arrived_unix_s <= until_unix_s + APART_S
            ),
            reverse=True,
        )
        matched = 0
        for asked in sorted(asked_unix_s, reverse=True):
            if matched < len(arrived) and arrived[matched] >= asked - APART_S:
                matched += 1
        return matched

    def arrived_since(self, since_unix_s: float) -> int:
        """Calls that arrived through the proxy since then; a call past the proxy did not meet the proxy's faults."""
        calls = self.calls(since_unix_s)
        return sum(call.through_proxy is not False and call.arrived_unix_s >= since_unix_s for call in calls)

    def charges(self) -> list[Charge]:
        """All charges of the ledger."""
        return self._read("/lab/ledger", _Charges).charges

    def refunds(self) -> list[Refund]:
        """All refunds of the ledger."""
        return self._read("/lab/ledger", _Refunds).refunds

    def switch(self, fault: str, settings: Mapping[str, Any], *, seed: int) -> Mapping[str, Any]:
        # A PUT sets all switches of the gateway, so the lock keeps two faults from switching each other off.
        with self._switching:
            now = self._read("/lab/faults", dict[str, Any])
            self._ask("PUT", "/lab/faults", json={**now, fault: dict(settings), "seed": seed})
            found = self.settings(fault)
        if found != dict(settings):
            raise LabBroken(f"gateway: {fault}: got {found} after setting it, expected {dict(settings)}")
        return found

    def settings(self, fault: str) -> Mapping[str, Any]:
        now = self._read("/lab/faults", dict[str, Any])
        if not isinstance(found := now.get(fault), dict):
            raise LabBroken(f"gateway: GET /lab/faults: got no switch {fault!r}, expected one of {', '.join(now)}")
        return found

    def hits(self, fault: str) -> int:
        return self._read("/lab/hits", dict[str, int]).get(fault, 0)

    def canary(self, *, timeout_s: float) -> GatewayReading:
        key = uuid.uuid4().hex
        status, error = None, ""
        # A client of its own makes a fresh connection and closes it afterwards.
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
            self._ask("PUT", "/lab/faults", json={"seed": int(time.time())})  # a switch that is left out is set off
            if left := self.deviations():
                raise LabBroken(f"gateway: PUT /lab/faults: got {'; '.join(left)}")

    def deviations(self) -> Sequence[str]:
        # The gateway lists what is on, so that a switch which this adapter does not know is found and healed, too.
        on = self._read("/lab/faults/on", _On).on
        return [f"gateway: got the fault {name} on ({_words(own)}), expected it off" for name, own in on.items()]


def _words(settings: Any) -> str:
    """`code 502, ratio 0.25`."""
    if not isinstance(settings, dict):
        return f"{settings:g}" if isinstance(settings, float) else str(settings)
    return ", ".join(f"{name} {value}" for name, value in settings.items())
