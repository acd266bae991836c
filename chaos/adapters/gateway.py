"""The payment gateway past its proxy: its ledger and record of calls are witnesses."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from chaos.errors import LabBroken
from chaos.model.evidence import Charge, GatewayCall

TIMEOUT_S = 5.0
_QUIET = {"slow_s": 0.0, "status": {"code": 503, "ratio": 0.0}, "charge_then_drop": {"ratio": 0.0}}


class _Charges(msgspec.Struct):
    charges: list[Charge]


class _Calls(msgspec.Struct):
    calls: list[GatewayCall]


class Gateway:
    """Everything below /lab of the gateway. Raises: LabBroken past the deadline or on an unexpected answer."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(base_url=url, headers={"X-Lab-Token": token}, timeout=TIMEOUT_S, trust_env=False)

    def _ask(self, method: str, path: str, **kwargs: Any) -> bytes:
        try:
            answer = self._client.request(method, path, **kwargs)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise LabBroken(
                f"gateway: {method} {path}: got {error or type(error).__name__}, expected an answer"
            ) from None
        return answer.content

    def in_flight_since(self) -> Sequence[float]:
        found = msgspec.json.decode(self._ask("GET", "/lab/inflight"))
        return [float(call["arrived_unix_s"]) for call in found["in_flight"]]

    def calls(self, since_unix_s: float = 0.0) -> list[GatewayCall]:
        """Calls that arrived since then, oldest first."""
        content = self._ask("GET", "/lab/calls", params={"since": since_unix_s})
        return msgspec.json.decode(content, type=_Calls).calls

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
        return msgspec.json.decode(self._ask("GET", "/lab/ledger"), type=_Charges).charges

    def heal(self) -> None:
        now = msgspec.json.decode(self._ask("GET", "/lab/faults"))
        if any(now.get(name) != value for name, value in _QUIET.items() if name != "status") or now["status"]["ratio"]:
            self._ask("PUT", "/lab/faults", json={**_QUIET, "seed": int(time.time())})
