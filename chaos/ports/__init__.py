"""What faults and the run need from the outside world. `chaos.adapters` implements these protocols; tests use fakes."""

from __future__ import annotations

from chaos.ports.forcing import Gate, TaskDesk
from chaos.ports.lab import (
    CanaryPort,
    CanaryReading,
    ClientWitness,
    Clock,
    Exchange,
    GateControl,
    GatewayReading,
    GatewayWitness,
    Lab,
    ProcessControl,
    ProxyControl,
    Signalled,
    ToxicSpec,
    UpstreamWitness,
)
from chaos.ports.run import (
    CustomersView,
    Index,
    LeaseKeeper,
    Pending,
    Recorder,
    StackControl,
    Tracer,
    Watch,
    WorldWitness,
)

__all__ = [
    "CanaryPort",
    "CanaryReading",
    "ClientWitness",
    "Clock",
    "CustomersView",
    "Exchange",
    "Gate",
    "GateControl",
    "GatewayReading",
    "GatewayWitness",
    "Index",
    "Lab",
    "LeaseKeeper",
    "Pending",
    "ProcessControl",
    "ProxyControl",
    "Recorder",
    "Signalled",
    "StackControl",
    "TaskDesk",
    "ToxicSpec",
    "Tracer",
    "UpstreamWitness",
    "Watch",
    "WorldWitness",
]
