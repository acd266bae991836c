"""Moments that a fault can wait for. Each trigger reads a witness, never the process under test."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chaos.ports import Lab

# A charge that arrived less than this ago is still at the gateway when the fault lands a few milliseconds later.
FRESH_S = 0.015


def charge_in_flight(lab: Lab) -> bool:
    """A charge has just reached the gateway and is not answered yet."""
    now = lab.clock.now_unix_s()
    return any(now - arrived <= FRESH_S for arrived in lab.gateway.in_flight_since())


TRIGGERS: Mapping[str, Callable[[Lab], bool]] = {"charge_in_flight": charge_in_flight}
