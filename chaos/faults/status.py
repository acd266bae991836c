"""`status`: the gateway answers a share of the calls with an error, without a charge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from chaos.faults._gateway import GatewayKind, words
from chaos.model.faults import GatewayFault
from chaos.ports import GatewayReading


class Status(GatewayFault):
    """Answer a share of the calls for a charge with an HTTP error, without charging. The network is not affected."""

    inject: Literal["status"]
    code: int = Field(503, ge=400, le=599, description="HTTP status of the answer.")


class StatusKind(GatewayKind[Status]):
    """See `Status`."""

    name = "status"
    params = Status
    refuses = True
    off: Mapping[str, Any] = {"code": 503, "ratio": 0.0}

    def settings(self, params: Status) -> Mapping[str, Any]:
        return {"code": params.code, "ratio": params.share}

    def why_not(self, during: GatewayReading, params: Status) -> str:
        if during.status == params.code and not during.captured:
            return ""
        return f"the canary's charge got {words(during)}, expected status {params.code}, not charged"


KIND = StatusKind()
