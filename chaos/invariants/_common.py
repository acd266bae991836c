"""Shared by several invariants: how many seats an order takes, and how a finding is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from chaos.invariants._kind import Context
from chaos.model.evidence import EndState
from chaos.model.history import Operation, Outcome
from chaos.model.operations import named
from chaos.model.strict import StrictModel
from chaos.model.verdict import Counterexample, Finding, FindingKind, Verdict

LIVE = frozenset({"pending", "paid"})
TIMES = frozenset({"charges", "refunds", "gateway_calls"})
"""Witnesses of when an order was final: `with_witnessed_times` corrects the times that the shop gives by them."""
REFUSED_FOR_GOOD = frozenset({400, 402, 422})
"""Answers of the gateway that no second call changes."""
FINAL = frozenset({"paid", "refused", "cancelled"})
# Operations that ask for seats; every one of them counts where seats, charges or orders are counted.
ORDERS = named(lambda operation: operation.orders)
MAX_EXAMPLES = 10

# Looked up once here and not once per operation, of which there may be a million.
OK, FAIL = Outcome.OK, Outcome.FAIL

Figures: TypeAlias = Mapping[str, int]


class NoParams(StrictModel):
    """No keys of its own."""


class Say(NamedTuple):
    """Makes the findings of one invariant: the check and its expectation are the same in each, the outcome differs."""

    check: str
    expected: str

    def held(self, measured: str, figures: Figures) -> Finding:
        return self._finding(Verdict.HELD, measured, figures=figures)

    def held_if_settled(self, context: Context, measured: str, figures: Figures) -> Finding:
        """Held if the world had settled, else inconclusive, since a later change may still violate the invariant."""
        if context.state.settled:
            return self.held(measured, figures)
        reason = f"the world had not settled after {context.state.settle_s:.3g} s, so this may still change"
        undecided = self._finding(Verdict.INCONCLUSIVE, measured, reason=reason, figures=figures)
        return replace(undecided, so_far=measured)

    def inconclusive(
        self, reason: str, measured: str = "", *, examples: Iterable[str] = (), figures: Figures | None = None
    ) -> Finding:
        return self._finding(Verdict.INCONCLUSIVE, measured, reason=reason, examples=examples, figures=figures)

    def violated(
        self,
        reason: str,
        measured: str,
        *,
        examples: Iterable[str],
        figures: Figures,
        where: str = "",
        counterexample: Counterexample | None = None,
    ) -> Finding:
        """Without a *counterexample*, `explain` shows the first few *examples*, with no sentence about them."""
        return self._finding(
            Verdict.VIOLATED,
            measured,
            reason=reason,
            examples=examples,
            figures=figures,
            where=where,
            counterexample=counterexample,
        )

    def _finding(
        self,
        verdict: Verdict,
        measured: str,
        *,
        reason: str = "",
        examples: Iterable[str] = (),
        figures: Figures | None = None,
        where: str = "",
        counterexample: Counterexample | None = None,
    ) -> Finding:
        return Finding(
            check=self.check,
            kind=FindingKind.INVARIANT,
            verdict=verdict,
            expected=self.expected,
            measured=measured,
            where=where,
            reason=reason,
            exact=True,
            examples=tuple(examples)[:MAX_EXAMPLES],
            figures=dict(figures or {}),
            counterexample=counterexample,
        )


def first_order(
    broken: Mapping[str, list[str]], says: Mapping[str, str], known: Container[str]
) -> Counterexample | None:
    """The first order in *known*, kind of breach by kind of breach; None when none of the orders is known.

    An unknown order could not be looked up by `explain`.
    """
    for name, found in broken.items():
        for order_id in found:
            if order_id in known:
                return Counterexample(says=says[name], orders=(order_id,))
    return None


def sold_out(op: Operation) -> bool:
    """Whether *op* was told that the tier is sold out, and so certainly took no seat."""
    return op.outcome is FAIL and op.refused and op.reason == "sold_out"


def never_arrived(op: Operation) -> bool:
    """Whether the connection was refused, so that *op* certainly took no seat."""
    return op.outcome is FAIL and op.status == 0


def told_no(op: Operation) -> bool:
    """Whether *op* was certainly refused, which a machine without CPU does to nobody."""
    return op.outcome is FAIL and not never_arrived(op)


def claimed_seats(state: EndState) -> Counter[int]:
    """Seats taken by tier id: those of live orders, and one for each ticket beyond the seats of its order.

    A ticket of a refused order, of an unknown order, or in excess of its order's seats also admits somebody.
    """
    seats: Counter[int] = Counter()
    worth: dict[str, int] = {}
    for order in state.orders:
        if order.status in LIVE:
            seats[order.tier_id] += order.quantity
            worth[order.order_id] = order.quantity
    for ticket in state.tickets:
        left = worth.get(ticket.order_id, 0)
        if left > 0:
            worth[ticket.order_id] = left - 1
        else:
            seats[ticket.tier_id] += 1
    return seats
