"""Certain bounds on how many seats of a tier were taken at a moment, from what clients asked for and were told."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection

from chaos.invariants._common import FAIL, OK, never_arrived, sold_out
from chaos.model.history import Operation


class Asks:
    """Keeps asks for seats in flat arrays, since there may be a million.

    *Upper bound*: the sum of the seats of all asks whose sending began before that moment, except
    those that certainly took none (refused as sold out, or never connected). Asks that were accepted under one order id
    count once, every ask with an unknown end counts in full, and seats that were given back are not subtracted.

    *Lower bound*: the seats of orders that a client had been told of as accepted by then, and that are live in the end.
    """

    def __init__(self) -> None:
        self.accepted = 0
        self._tier = array("q")
        self._sent_s = array("d")
        self._seats = array("q")
        self._by_order: dict[str, int] = {}
        self._told_s: dict[str, float] = {}
        self._most: dict[int, _Steps] = {}
        self._least: dict[int, _Steps] = {}

    def feed(self, op: Operation) -> None:
        """Count an operation that asks for seats of a tier; others are left out."""
        if op.tier is None or op.sent is None or sold_out(op) or (op.outcome is FAIL and never_arrived(op)):
            return
        position = len(self._sent_s)
        if op.outcome is OK:
            self.accepted += 1
            if op.order:
                told_s = op.sent if op.ended is None else op.ended
                self._told_s[op.order] = min(told_s, self._told_s.get(op.order, told_s))
                first = self._by_order.setdefault(op.order, position)
                if first != position:  # the same order again: its seats count once, from the earlier sending on
                    self._sent_s[first] = min(self._sent_s[first], op.sent)
                    return
        self._tier.append(op.tier)
        self._sent_s.append(op.sent)
        self._seats.append(op.quantity)

    def finish(self, live: Collection[str] = ()) -> None:
        """To be called after the last operation. *live*: orders that hold their seats in the end."""
        most: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
        for tier, sent_s, seats in zip(self._tier, self._sent_s, self._seats, strict=True):
            most[tier].append((sent_s, seats))
        least: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
        for order, told_s in self._told_s.items():
            if order in live:
                position = self._by_order[order]
                least[self._tier[position]].append((told_s, self._seats[position]))
        self._most = {tier: _Steps(steps) for tier, steps in most.items()}
        self._least = {tier: _Steps(steps) for tier, steps in least.items()}

    def most_taken(self, tier: int, at_s: float) -> int:
        """The upper bound: seats that may have been taken by then."""
        return self._most[tier].until(at_s) if tier in self._most else 0

    def least_taken(self, tier: int, at_s: float) -> int:
        """The lower bound: seats that certainly were taken by then."""
        return self._least[tier].until(at_s) if tier in self._least else 0


class _Steps:
    """A sum that grows with time."""

    def __init__(self, steps: list[tuple[float, int]]) -> None:
        steps.sort()
        self._at_s = array("d", (at_s for at_s, _ in steps))
        self._sums, total = array("q"), 0
        for _, seats in steps:
            total += seats
            self._sums.append(total)

    def until(self, at_s: float) -> int:
        position = bisect_right(self._at_s, at_s)
        return self._sums[position - 1] if position else 0
