"""A fault of each kind, as a scenario file writes it, and its way from arming to gone."""

from __future__ import annotations

from typing import Any

from chaos.faults import KINDS, FaultKind, Held, Proof
from chaos.model.faults import FaultParams
from tests.unit.chaos.fakes import Outside

KEYS: dict[str, dict[str, Any]] = {
    "bandwidth": {"on": "shop_to_gateway", "rate": "20KB/s", "from": "spike", "for": "6s"},
    "charge_then_drop": {"on": "gateway", "from": "spike", "for": "6s"},
    "down": {"on": "shop_to_postgres", "from": "spike", "for": "6s"},
    "kill": {"on": "worker", "at": "spike"},
    "latency": {"on": "shop_to_gateway", "latency": "300ms", "jitter": "50ms", "from": "spike", "for": "6s"},
    "limit_data": {"on": "shop_to_gateway", "bytes": 300, "from": "spike", "for": "6s"},
    "pause": {"on": "worker", "from": "spike", "for": "6s"},
    "reset_peer": {"on": "shop_to_gateway", "from": "spike", "for": "6s"},
    "slicer": {"on": "shop_to_gateway", "average_size": 64, "delay": "2ms", "from": "spike", "for": "6s"},
    "slow_close": {"on": "shop_to_gateway", "delay": "500ms", "from": "spike", "for": "6s"},
    "status": {"on": "gateway", "from": "spike", "for": "6s"},
    "terminate": {"on": "worker", "at": "spike"},
    "timeout": {"on": "shop_to_cache", "from": "spike", "for": "6s"},
}


def held_of(kind: str, **keys: Any) -> Held:
    """A fault that nobody has injected yet."""
    params: FaultParams = KINDS[kind].params.model_validate({"inject": kind, **KEYS[kind], **keys}, strict=True)
    return Held(id=f"1-{kind}", params=params)


def injected(outside: Outside, held: Held) -> tuple[FaultKind, Proof]:
    """Its kind and its proof."""
    kind = KINDS[held.params.inject]  # type: ignore[attr-defined]
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    return kind, kind.prove(held, outside.lab)
