"""Moments that a fault can wait for. Each trigger reads a witness, never the process under test."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chaos.ports import Lab

# A charge that arrived less than this ago is still at the gateway when the fault lands a few milliseconds later: the
# gateway takes 40 ms for one.
FRESH_S = 0.02


def charge_in_flight(lab: Lab) -> bool:
    """A charge has just reached the gateway and is not answered yet."""
    arrived = lab.gateway.in_flight_since()
    now = lab.clock.now_unix_s()  # after the reading: on a busy machine it takes longer than a charge
    return any(now - at <= FRESH_S for at in arrived)


TRIGGERS: Mapping[str, Callable[[Lab], bool]] = {"charge_in_flight": charge_in_flight}
