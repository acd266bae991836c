"""Every client intent that was paid is charged once, none is charged twice, and nobody is charged who wasn't sold to.

An intent is a client key; its orders are those that its answers named and those whose reference is that key; its
charges are the captured ones of these orders in the gateway's ledger (by order id, else by idempotency key). Two orders
for one double click are one intent: two charges for it are one too many. Decided per intent: *doubled*, more than one
charge; *missing*, a client or the database saw it paid, and there is no charge; *refused*, charged although every
attempt was definitely refused, or although all its orders ended refused. *Phantom* is a charge whose order and key
nobody asked for. Intents with an unknown end (timeout, reset, 5xx) may have zero charges or one. Inconclusive when no
order was accepted.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from chaos.invariants._common import NoParams, Say, asks_for_seats
from chaos.model.checks import Context, InvariantKind
from chaos.model.evidence import EndState
from chaos.model.history import Operation, Outcome
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Finding

SAY = Say("charged_exactly_once", "each paid intent has exactly one captured charge, each refused one none")

_WORDS = {
    "doubled": "charged more than once",
    "missing": "paid without a charge",
    "refused": "charged although refused",
    "phantom": "charges that nobody asked for",
}


class _ChargedExactlyOnce:
    def __init__(self, _: NoParams) -> None:
        self.asked: set[str] = set()
        self.maybe: set[str] = set()
        self.key_of: dict[str, str] = {}
        self.seen_paid: set[str] = set()
        self.accepted = 0

    def feed(self, op: Operation) -> None:
        if op.order and op.order_status == "paid":
            self.seen_paid.add(op.order)
        if not asks_for_seats(op):
            return
        key = op.key or op.id
        self.asked.add(key)
        if op.outcome is Outcome.FAIL:
            return
        self.maybe.add(key)
        if op.outcome is Outcome.OK:
            self.accepted += 1
            if op.order:
                self.key_of[op.order] = key

    def finish(self, context: Context) -> Finding:
        charges, phantoms = self._charges(context.state)
        broken = {
            "doubled": sorted(key for key, times in charges.items() if times > 1),
            "missing": self._missing(context.state, charges),
            "refused": self._charged_though_refused(context, charges),
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
            return SAY.violated(said, f"{measured}: {said}", examples=examples, figures=figures)
        if not self.accepted:
            return SAY.inconclusive("no order was accepted, so none had to be charged", measured, figures=figures)
        if phantoms:
            reason = f"{len(phantoms)} charges belong to no known intent, but the history has gaps"
            return SAY.inconclusive(reason, measured, examples=phantoms, figures=figures)
        return SAY.held(context, f"{measured}, none twice, none missing", figures)

    def _charges(self, state: EndState) -> tuple[Counter[str], list[str]]:
        """Charges by intent, and the ids of charges that belong to none."""
        key_of = {order.order_id: order.client_key for order in state.orders} | self.key_of
        charges: Counter[str] = Counter()
        phantoms = []
        for charge in state.charges:
            key = key_of.get(charge.order_id, charge.idempotency_key)
            if key in self.asked:
                charges[key] += 1
            else:
                phantoms.append(charge.charge_id)
        return charges, sorted(phantoms)

    def _missing(self, state: EndState, charges: Counter[str]) -> list[str]:
        """Intents that a client or the database saw paid, without a charge."""
        paid = {self.key_of[order] for order in self.seen_paid if order in self.key_of}
        paid |= {
            order.client_key for order in state.orders if order.status == "paid" and order.client_key in self.asked
        }
        return sorted(key for key in paid if not charges[key])

    def _charged_though_refused(self, context: Context, charges: Counter[str]) -> list[str]:
        statuses: defaultdict[str, set[str]] = defaultdict(set)
        for order in context.state.orders:
            if order.client_key in charges:
                statuses[order.client_key].add(order.status)
        refused = {key for key in charges if statuses.get(key) == {"refused"}}
        if context.history_complete:  # else an attempt that went through may be among what is lost
            refused |= charges.keys() - self.maybe
        return sorted(refused)


KIND = InvariantKind(
    name="charged_exactly_once",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=None,
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"orders", "charges"}),
    reducer=_ChargedExactlyOnce,
)
