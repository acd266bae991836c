"""One key is one order: a repeated request gets the same order, another key another order, another body a refusal.

Judged by the clients' answers and the database's orders. *Doubled*: a key that was answered with two orders, or under
which the database has two; *shared*: one order that was given to two keys; *mixed up*: a key that was accepted with two
different bodies. Inconclusive when no key was sent twice, or none of those was accepted.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from chaos.invariants._common import OK, ORDERS, NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Counterexample, Finding

SAY = Say("same_key_same_order", "the same key gives the same order, another key another one, another body none")


class _SameKeySameOrder:
    def __init__(self, _: NoParams) -> None:
        self.sent: Counter[str] = Counter()
        self.orders: defaultdict[str, set[str]] = defaultdict(set)
        self.bodies: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)

    def feed(self, op: Operation) -> None:
        if op.tier is None or op.sent is None or not op.key:
            return
        self.sent[op.key] += 1
        if op.outcome is OK:
            self.bodies[op.key].add((op.tier, op.quantity))
            if op.order:
                self.orders[op.key].add(op.order)

    def finish(self, context: Context) -> Finding:
        stored = Counter(order.client_key for order in context.state.orders if order.client_key in self.sent)
        keys_of: defaultdict[str, set[str]] = defaultdict(set)
        for key, orders in self.orders.items():
            for order in orders:
                keys_of[order].add(key)
        broken = {
            "doubled": sorted({k for k, orders in self.orders.items() if len(orders) > 1}
                              | {k for k, times in stored.items() if times > 1}),
            "shared": sorted(order for order, keys in keys_of.items() if len(keys) > 1),
            "mixed_up": sorted(key for key, bodies in self.bodies.items() if len(bodies) > 1),
        }  # fmt: skip
        repeated = sum(1 for key, times in self.sent.items() if times > 1 and key in self.bodies)
        figures = {name: len(found) for name, found in broken.items()} | {"keys": len(self.sent), "repeated": repeated}
        words = {"doubled": "keys have two orders", "shared": "orders belong to two keys",
                 "mixed_up": "keys were accepted with two bodies"}  # fmt: skip
        said = ", ".join(f"{len(found)} {words[name]}" for name, found in broken.items() if found)
        measured = f"{len(self.sent)} keys, {repeated} of them repeated and accepted"
        if said:
            examples = [example for found in broken.values() for example in found[:4]]
            one = self._one(broken)
            return SAY.violated(said, f"{measured}: {said}", examples=examples, figures=figures, counterexample=one)
        if not repeated:
            return SAY.inconclusive("no key was repeated and accepted, so none could be mistaken", figures=figures)
        return SAY.held_if_settled(context, measured, figures)

    @staticmethod
    def _one(broken: dict[str, list[str]]) -> Counterexample:
        if broken["doubled"]:
            return Counterexample(says="one key, two orders", keys=tuple(broken["doubled"][:1]))
        if broken["shared"]:
            return Counterexample(says="one order, given to two keys", orders=tuple(broken["shared"][:1]))
        return Counterexample(says="one key, accepted with two bodies", keys=tuple(broken["mixed_up"][:1]))


KIND = InvariantKind(
    name="same_key_same_order",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=ORDERS,
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"orders"}),
    reducer=_SameKeySameOrder,
)
