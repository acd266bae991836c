"""`charge_then_drop`: the gateway captures a share of the charges and closes the connection without an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from chaos.faults._gateway import GatewayKind, words
from chaos.model.faults import GatewayFault
from chaos.ports import GatewayReading


class ChargeThenDrop(GatewayFault):
    """Capture the charge of a share of the calls, then close the connection without an answer."""

    inject: Literal["charge_then_drop"]


class ChargeThenDropKind(GatewayKind[ChargeThenDrop]):
    """See `ChargeThenDrop`."""

    name = "charge_then_drop"
    params = ChargeThenDrop
    after_charge = True
    off: Mapping[str, Any] = {"ratio": 0.0}

    def settings(self, params: ChargeThenDrop) -> Mapping[str, Any]:
        return {"ratio": params.share}

    def why_not(self, during: GatewayReading, params: ChargeThenDrop) -> str:
        if during.status is None and during.captured:
            return ""
        return f"the canary's charge got {words(during)}, expected no answer, charged"


KIND = ChargeThenDropKind()
