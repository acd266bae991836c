"""The safety figures of a run as curves over time: what its checks are about, seen while it goes on.

Seats taken against capacity, charges against orders, tokens accepted after their session had ended: for each check of
the scenario that can be drawn, one picture. While a run goes on they are made of what clients were told; once the end
state is on record, of that. A picture shows; the finding decides.
"""

from __future__ import annotations

from chaos.evidence.safety.charges import CHECK as CHARGES_CHECK
from chaos.evidence.safety.picture import CLIENTS, END_STATE, Curve, Picture
from chaos.evidence.safety.read import MOST_LIVE_BYTES, pictures

__all__ = ["CHARGES_CHECK", "CLIENTS", "END_STATE", "MOST_LIVE_BYTES", "Curve", "Picture", "pictures"]
