"""Charges against the orders that they are for: what `charged_exactly_once` is about.

An intent is what a customer wanted once, however often it was sent; two charges for it are one too many. The charges
are the gateway's ledger's, which is on record with the end state; before, only the accepted orders can be drawn from
the folder.
"""

from __future__ import annotations

from chaos.evidence.safety.picture import CLIENTS, END_STATE, Curve, End, Known, Picture, summed
from chaos.model.history import Operation, Outcome

OK = Outcome.OK
CHECK = "charged_exactly_once"
ACCEPTED, CHARGES, AGAIN = "orders accepted", "charges", "charged again"


def _orders(count: int) -> str:
    return "order" if count == 1 else "orders"


class Charges:
    """See the module."""

    def __init__(self) -> None:
        self._accepted: dict[str, float] = {}
        self._key_of: dict[str, str] = {}

    def feed(self, op: Operation) -> None:
        if op.tier is None or op.ended is None or op.outcome is not OK:
            return
        key = op.key or op.id
        self._accepted[key] = min(op.ended, self._accepted.get(key, op.ended))
        if op.order:
            self._key_of[op.order] = key

    def picture(self, known: Known) -> Picture | None:
        accepted = Curve(name=ACCEPTED, points=summed((at_s, 1) for at_s in self._accepted.values()))
        end = known.witnessed("orders", "charges")
        curves: tuple[Curve, ...] = (accepted,)
        again = 0
        said = f"{accepted.last} {_orders(accepted.last)} accepted"
        if end is not None:
            charges, doubled = self._charged(end, known.t0_unix_s)
            curves, again = (accepted, charges, doubled), doubled.last
            said = f"{charges.last} charges for {accepted.last} accepted {_orders(accepted.last)}, {again} too many"
        if not any(curve.points for curve in curves):
            return None
        return Picture(
            check=CHECK,
            title="Charges and the orders that they are for",
            said=said,
            curves=tuple(curve for curve in curves if curve.points),
            beyond=again > 0,
            source=CLIENTS if end is None else END_STATE,
        )

    def _charged(self, end: End, t0_unix_s: float) -> tuple[Curve, Curve]:
        """All charges, and those for an intent that had one."""
        unnamed = {order.order_id: order.client_key for order in end.orders if order.order_id not in self._key_of}
        seen: set[str] = set()
        charges, doubled = [], []
        for charge in sorted(end.charges, key=lambda charge: charge.captured_unix_s):
            at_s = charge.captured_unix_s - t0_unix_s
            charges.append((at_s, 1))
            key = self._key_of.get(charge.order_id) or unnamed.get(charge.order_id, charge.idempotency_key)
            if key in seen:
                doubled.append((at_s, 1))
            seen.add(key)
        return Curve(name=CHARGES, points=summed(charges)), Curve(name=AGAIN, points=summed(doubled), bad=True)
