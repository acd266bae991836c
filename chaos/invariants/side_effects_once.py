"""A task repeats its calls to the gateway with measure: none after a refusal, but one at least after an error.

Judged by the gateway's record of calls. *Insisted*: an order whose charge was asked for again after a final refusal by
the gateway (400, 402, 422); *given up*: an order that was refused after one call, which the gateway had answered with a
failure of its own; *hammered*: more calls for one order than *calls_at_most*. Inconclusive when no order was paid. The
mails to customers are judged by `told_once`.
"""

from __future__ import annotations

from collections import defaultdict

from pydantic import Field

from chaos.invariants._common import ORDERS, REFUSED_FOR_GOOD, Say, first_order
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.evidence import GatewayCall
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.strict import StrictModel
from chaos.model.verdict import Finding

SAY = Say("side_effects_once", "no call is repeated after a refusal, and none is given up after one failure")
FAILED_FROM = 500

_WORDS = {
    "insisted": "orders were charged again after a refusal",
    "given_up": "orders were refused after one failed call",
    "hammered": "orders called the gateway too often",
}

_SAYS = {
    "insisted": "the gateway said no for good, and was asked again",
    "given_up": "the gateway failed once, and was not asked again: the order is refused, and nobody refused it",
    "hammered": "the gateway was called more often than a patient client would",
}


class CallParams(StrictModel):
    """How many calls are allowed."""

    calls_at_most: int = Field(12, ge=1, le=1000, description="Most calls to the gateway for one order.")


class _SideEffectsOnce:
    def __init__(self, params: CallParams) -> None:
        self.calls_at_most = params.calls_at_most

    def feed(self, op: Operation) -> None:
        """No operation is needed, since the calls are in the end state."""

    def finish(self, context: Context) -> Finding:
        state = context.state
        status = {order.order_id: order.status for order in state.orders}
        paid = {order_id for order_id, now in status.items() if now == "paid"}
        calls: defaultdict[str, list[GatewayCall]] = defaultdict(list)
        for call in state.gateway_calls:
            calls[call.order_id].append(call)
        broken = {
            "insisted": sorted(order_id for order_id, made in calls.items() if _insisted(made)),
            "given_up": sorted(o for o, made in calls.items() if status.get(o) == "refused" and _failed_once(made)),
            "hammered": sorted(order_id for order_id, made in calls.items() if len(made) > self.calls_at_most),
        }
        figures = {f"orders_{name}": len(found) for name, found in broken.items()}
        figures |= {"paid": len(paid), "calls_most": max(map(len, calls.values()), default=0)}
        said = ", ".join(f"{len(found)} {_WORDS[name]}" for name, found in broken.items() if found)
        measured = f"{len(paid)} orders paid, at most {figures['calls_most']} calls each"
        if said:
            examples = [order_id for found in broken.values() for order_id in found[:4]]
            one = first_order(broken, _SAYS, status)
            return SAY.violated(said, f"{measured}: {said}", examples=examples, figures=figures, counterexample=one)
        if not paid:
            return SAY.inconclusive("no order was paid, so nothing had to be asked for", measured, figures=figures)
        return SAY.held_if_settled(context, measured, figures)


def _insisted(calls: list[GatewayCall]) -> bool:
    """Whether a call arrived after an earlier one had been refused for good."""
    refused = [c.answered_unix_s for c in calls if c.status in REFUSED_FOR_GOOD and c.answered_unix_s is not None]
    return bool(refused) and any(call.arrived_unix_s > min(refused) for call in calls)


def _failed_once(calls: list[GatewayCall]) -> bool:
    """Whether there was one call, and its answer was an error that says nothing about the customer's money."""
    return len(calls) == 1 and calls[0].answered_unix_s is not None and calls[0].status >= FAILED_FROM


KIND = InvariantKind(
    name="side_effects_once",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=CallParams,
    ops=ORDERS,
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"orders", "gateway_calls"}),
    reducer=_SideEffectsOnce,
    by_the_clock=True,
)
