"""A fault of each kind, as a scenario file writes it, and its way from arming to gone."""

from __future__ import annotations

from typing import Any

from chaos.faults import KINDS
from chaos.model.faults import FaultParams
from chaos.ports import FaultKind, Held, Proof
from tests.unit.chaos.fakes import Outside

KEYS: dict[str, dict[str, Any]] = {
    "charge_then_drop": {"on": "gateway", "from": "spike", "for": "6s"},
    "down": {"on": "shop_to_postgres", "from": "spike", "for": "6s"},
    "kill": {"on": "worker", "at": "spike"},
    "latency": {"on": "shop_to_gateway", "latency": "300ms", "jitter": "50ms", "from": "spike", "for": "6s"},
    "pause": {"on": "worker", "from": "spike", "for": "6s"},
    "status": {"on": "gateway", "from": "spike", "for": "6s"},
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
