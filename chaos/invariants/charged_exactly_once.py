"""Every client intent that was paid is charged once, none is charged twice, and no refused customer is charged.

An intent is a client key; its orders are those that its answers named and those whose reference is that key; its
charges are the captured ones of these orders in the gateway's ledger (by order id, else by idempotency key). Two orders
for one double click are one intent, for which two charges are one too many. Decided per intent: *doubled*, more than
one charge; *missing*, a client or the database saw it paid, and there is no charge; *refused*, charged although every
attempt was definitely refused, or although all its orders ended refused; *returned*, one of its orders is paid, nobody
asked to cancel it (or that was refused), and the gateway gave back more than the charges beyond one. *Phantom* is a
charge whose order and key no client asked for. Intents with an unknown end (timeout, reset, 5xx) may have zero charges
or one. Inconclusive when no order was accepted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from chaos.invariants._common import FAIL, OK, ORDERS, NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.evidence import EndState
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Counterexample, Finding

SAY = Say("charged_exactly_once", "each paid intent has exactly one captured charge, each refused one none")

_WORDS = {
    "doubled": "charged more than once",
    "missing": "paid without a charge",
    "refused": "charged although refused",
    "returned": "given back although paid, and nobody cancelled",
    "phantom": "charges that nobody asked for",
}


class _ChargedExactlyOnce:
    def __init__(self, _: NoParams) -> None:
        self.asked: dict[str, bool] = {}
        """Intent → whether one of its tries may have gone through."""
        self.key_of: dict[str, str] = {}
        self.seen_paid: set[str] = set()
        self.accepted = 0
        self.cancelling: set[str] = set()
        """Orders that a customer may have cancelled: each cancel that was not refused."""

    def feed(self, op: Operation) -> None:
        if op.op == "cancel" and op.outcome is not FAIL:
            self.cancelling.add(op.order)
        if op.order_status == "paid":
            self.seen_paid.add(op.order)
        if op.tier is None or op.sent is None:
            return
        key = op.key or op.id
        if op.outcome is FAIL:
            self.asked.setdefault(key, False)
            return
        self.asked[key] = True
        if op.outcome is OK:
            self.accepted += 1
            if op.order:
                self.key_of[op.order] = key

    def finish(self, context: Context) -> Finding:
        charges, phantoms = self._charges(context.state)
        broken = {
            "doubled": sorted(key for key, times in charges.items() if times > 1),
            "missing": self._missing(context.state, charges),
            "refused": self._charged_though_refused(context, charges),
            "returned": self._returned(context.state),
            "phantom": phantoms if context.history_complete else [],
        }
        figures = {
            f"intents_{name}" if name != "phantom" else "charges_phantom": len(found) for name, found in broken.items()
        }
        figures |= {"intents": len(self.asked), "accepted": self.accepted, "charges": len(context.state.charges)}
        said = ", ".join(f"{len(found)} {_WORDS[name]}" for name, found in broken.items() if found)
        measured = f"{len(context.state.charges)} charges for {len(self.asked)} intents"
        if said:
            examples = [
                key for _, found in sorted(broken.items(), key=lambda item: len(item[1]) or 10**9) for key in found[:4]
            ]
            return SAY.violated(
                said,
                f"{measured}: {said}",
                examples=examples,
                figures=figures,
                counterexample=self._one(broken, charges),
            )
        if not self.accepted:
            return SAY.inconclusive("no order was accepted, so none had to be charged", measured, figures=figures)
        if phantoms:
            reason = f"{len(phantoms)} charges belong to no known intent, but the history has gaps"
            return SAY.inconclusive(reason, measured, examples=phantoms, figures=figures)
        return SAY.held_if_settled(context, f"{measured}, none twice, none missing", figures)

    @staticmethod
    def _one(broken: Mapping[str, list[str]], charges: Mapping[str, int]) -> Counterexample:
        """The first intent or charge of the first kind that occurs; *broken* begins with the kind easiest to see."""
        name, found = next((name, found) for name, found in broken.items() if found)
        first = found[0]
        match name:
            case "doubled":
                return Counterexample(says=f"one intent, {charges[first]} captured charges", keys=(first,))
            case "missing":
                return Counterexample(says="seen as paid, and the gateway captured no charge for it", keys=(first,))
            case "refused":
                return Counterexample(says="the customer was refused, and charged all the same", keys=(first,))
            case "returned":
                return Counterexample(says="paid, not cancelled, and its money was given back", keys=(first,))
            case _:
                return Counterexample(says="a captured charge whose order nobody asked for", charges=(first,))

    def _charges(self, state: EndState) -> tuple[dict[str, int], list[str]]:
        """Charges by intent, and the ids of charges that belong to none."""
        unnamed = {o.order_id: o.client_key for o in state.orders if o.order_id not in self.key_of}
        charges: dict[str, int] = {}
        phantoms = []
        for charge in state.charges:
            key = self.key_of.get(charge.order_id) or unnamed.get(charge.order_id, charge.idempotency_key)
            if key in self.asked:
                charges[key] = charges.get(key, 0) + 1
            else:
                phantoms.append(charge.charge_id)
        return charges, sorted(phantoms)

    def _missing(self, state: EndState, charges: Mapping[str, int]) -> list[str]:
        """Intents that a client or the database saw paid, without a charge."""
        seen = {key for order in self.seen_paid if (key := self.key_of.get(order)) is not None and key not in charges}
        stored = {o.client_key for o in state.orders if o.status == "paid" and o.client_key not in charges}
        return sorted(seen | (stored & self.asked.keys()))

    def _returned(self, state: EndState) -> list[str]:
        """Intents with a paid order that nobody cancelled, for which the gateway kept less than one charge."""
        intent = {o.order_id: self.key_of.get(o.order_id, o.client_key) for o in state.orders}
        paid = {intent[o.order_id] for o in state.orders if o.status == "paid" and o.order_id not in self.cancelling}
        returned: Counter[str] = Counter()
        for refund in state.refunds:
            returned[intent.get(refund.order_id, "")] += refund.amount_cents
        kept: Counter[str] = Counter()
        least: dict[str, int] = {}
        for charge in state.charges:
            key = intent.get(charge.order_id, "")
            kept[key] += charge.amount_cents
            least[key] = min(least.get(key, charge.amount_cents), charge.amount_cents)
        return sorted(key for key in paid & least.keys() & returned.keys() if kept[key] - returned[key] < least[key])

    def _charged_though_refused(self, context: Context, charges: Mapping[str, int]) -> list[str]:
        refused = {o.client_key for o in context.state.orders if o.status == "refused" and o.client_key in charges}
        if refused:  # unless another order of the same intent was not
            refused -= {order.client_key for order in context.state.orders if order.status != "refused"}
        if context.history_complete:  # else a successful attempt may be missing from the history
            refused |= {key for key in charges if not self.asked[key]}
        return sorted(refused)


KIND = InvariantKind(
    name="charged_exactly_once",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=ORDERS | {"poll", "cancel"},
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"orders", "charges", "refunds"}),
    reducer=_ChargedExactlyOnce,
)
