"""The shop's views agree with independent witnesses: the seeded world, customers' answers and the gateway's ledger.

The lab reads orders, tickets and side effects from views that belong to the code under test, so they are compared with
witnesses that don't. *Tiers*: `lab_tiers` has every seeded tier with its event, capacity and price. *Hidden*: an order
that the gateway was asked to charge, or that its customer is shown in the end, is in `lab_orders`. *Shown*: after
everything had settled, each customer was shown the own orders as `lab_orders` has them, with as many tickets as
`lab_tickets`, and everybody as many seats left as `lab_tiers`. *Pending*: `lab_pending` counts at least the orders that
`lab_orders` calls pending at the same moment. *Paid*: what `lab_orders` calls paid was charged, by the gateway's
ledger. *Told*: where `lab_side_effects` has a confirmation the mail catcher has a mail; how many mails there were is
judged by `told_once`, from the catcher alone. It is checked in every run, listed or not. Inconclusive when the world
had not settled, or when not one accepted order could be looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from chaos.invariants._common import OK, ORDERS, NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.answers import order_facts
from chaos.model.evidence import EndState, Order, Shown
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.operations import OPERATIONS
from chaos.model.verdict import Counterexample, Finding

SAY = Say("views_tell_the_truth", "the views say what the seeded world, customers and the ledger say")
FOUND, GONE = 200, 404
CONFIRMATION = "confirmation"

_WORDS = {
    "tiers": "tiers are not as they were seeded",
    "hidden": "orders that were to be charged, or were shown, are not in lab_orders",
    "shown": "orders were shown to their customers otherwise than lab_orders has them",
    "left": "tiers were shown with another number of seats left than lab_tiers has",
    "tickets": "orders were shown with other tickets than lab_tickets has",
    "denied": "orders of lab_orders did not exist for their customers",
    "pending": "pending orders are not counted in lab_pending",
    "told": "orders were confirmed by lab_side_effects, and no mail arrived",
    "paid": "orders are paid by lab_orders, and the gateway took nothing",
}


class _ViewsTellTheTruth:
    def __init__(self, _: NoParams) -> None:
        self.accepted: set[str] = set()

    def feed(self, op: Operation) -> None:
        if op.tier is not None and op.outcome is OK and op.order:
            self.accepted.add(op.order)

    def finish(self, context: Context) -> Finding:
        state = context.state
        looked_at = [shown for shown in state.shown if shown.http_status == FOUND]
        found: dict[str, list[tuple[str, str]]] = {}
        for kind, who, says in (*_tiers(context), *_orders(context)):
            found.setdefault(kind, []).append((who, says))
        figures = {
            "tiers": len(state.tiers),
            "orders": len(state.orders),
            "orders_looked_at": len(looked_at),
            **{f"untrue_{kind}": len(cases) for kind, cases in found.items()},
        }
        measured = f"{len(state.tiers)} tiers, {len(state.orders)} orders, {len(looked_at)} of them looked at"
        if found:
            said = ", ".join(f"{len(cases)} {_WORDS[kind]}" for kind, cases in found.items())
            first_kind, cases = next(iter(found.items()))
            who, says = cases[0]
            tiers = (int(who),) if first_kind in ("tiers", "left") else ()
            known = {order.order_id for order in state.orders} | self.accepted
            orders = (who,) if who in known else ()
            return SAY.violated(
                f"{said}: {says}",
                f"{measured}: {said}",
                examples=[who for cases in found.values() for who, _ in cases[:4]],
                figures=figures,
                counterexample=Counterexample(says=says, orders=orders, tiers=tiers),
            )
        if state.seats_shown and not any(shown.http_status == FOUND for shown in state.seats_shown):
            return SAY.inconclusive("no page of an event could be looked at in the end", measured, figures=figures)
        if self.accepted and not looked_at:
            return SAY.inconclusive("not one accepted order could be looked at in the end", measured, figures=figures)
        return SAY.held_if_settled(context, measured, figures) if state.orders else SAY.held(measured, figures)


def _tiers(context: Context) -> Iterator[tuple[str, str, str]]:
    stored = {tier.tier_id: tier for tier in context.state.tiers}
    for tier in context.world.tiers:
        seeded = (tier.event_slug, tier.capacity, tier.price_cents)
        row = stored.pop(tier.tier_id, None)
        told = None if row is None else (row.event_slug, row.capacity, row.price_cents)
        if told != seeded:
            says = f"tier {tier.tier_id} was seeded as {seeded} (event, seats, cents), lab_tiers says {told}"
            yield "tiers", str(tier.tier_id), says
    if context.state.settled:
        yield from _left(context.state)
    for tier_id in stored:
        yield "tiers", str(tier_id), f"lab_tiers has a tier {tier_id}, which was never seeded"


def _left(state: EndState) -> Iterator[tuple[str, str, str]]:
    """Which pages showed other seats than the view has. Answers other than 200 are left out."""
    left = {tier.tier_id: tier.capacity - tier.sold for tier in state.tiers}
    for shown in state.seats_shown:
        if shown.http_status == FOUND and shown.tier_id in left and shown.remaining != left[shown.tier_id]:
            says = f"anybody was shown {shown.remaining} seats left of tier {shown.tier_id}"
            yield "left", str(shown.tier_id), f"{says}, lab_tiers says {left[shown.tier_id]}"


def _orders(context: Context) -> Iterator[tuple[str, str, str]]:
    state = context.state
    stored = {order.order_id: order for order in state.orders}
    charged = {charge.order_id for charge in state.charges}
    tickets = Counter(ticket.order_id for ticket in state.tickets)
    shown = {one.order_id: one for one in state.shown}
    asked = charged | {call.order_id for call in state.gateway_calls}
    for order_id in sorted(asked - stored.keys()):
        yield "hidden", order_id, f"the gateway was asked to charge order {order_id}, and lab_orders does not have it"
    if state.settled:
        for one in shown.values():
            if one.order_id in stored or one.order_id not in asked:  # else it is yielded above
                yield from _shown(one, stored.get(one.order_id), tickets[one.order_id])
        mailed = {mail.order_id for mail in state.mails}
        confirmed = {effect.order_id for effect in state.side_effects if effect.kind == CONFIRMATION and effect.times}
        for order_id in sorted(confirmed - mailed):
            yield "told", order_id, f"lab_side_effects has a confirmation of order {order_id}, and no mail arrived"
    for order in stored.values():
        if order.status == "paid" and order.order_id not in charged:
            yield "paid", order.order_id, f"order {order.order_id} is paid by lab_orders, and was never charged"
    waiting = sorted(order.order_id for order in stored.values() if order.status == "pending")
    counted = sum(row.pending_orders for row in state.pending)
    if counted < len(waiting):
        says = f"lab_orders has {len(waiting)} pending orders, lab_pending counted {counted} at the same moment"
        yield from (("pending", order_id, says) for order_id in waiting[counted:])


def _shown(shown: Shown, order: Order | None, tickets: int) -> Iterator[tuple[str, str, str]]:
    """How an order as its customer saw it differs from the views. Answers other than 200 and 404 are left out."""
    if shown.http_status == GONE and order is not None:
        yield "denied", shown.order_id, f"order {shown.order_id} is in lab_orders, and its customer was told 404"
    if shown.http_status != FOUND:
        return
    if order is None:
        yield "hidden", shown.order_id, f"order {shown.order_id} is shown to its customer, and lab_orders has it not"
        return
    stored = order_facts(order.tier_id, order.quantity, order.amount_cents, order.client_key)
    if (shown.order_status, shown.seen) != (order.status, stored):
        told = f"{shown.order_status} {shown.seen}"
        yield "shown", order.order_id, f"its customer was shown {told}, lab_orders says {order.status} {stored}"
    elif shown.tickets is not None and shown.tickets != tickets:
        says = f"its customer was shown {shown.tickets} tickets, lab_tickets has {tickets}"
        yield "tickets", order.order_id, says


KIND = InvariantKind(
    name="views_tell_the_truth",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=ORDERS,
    requires_ops=frozenset(),
    witnesses=frozenset(
        {
            "world",
            "tiers",
            "orders",
            "tickets",
            "side_effects",
            "pending",
            "charges",
            "gateway_calls",
            "mails",
            "shown",
            "seats_shown",
        }
    ),
    reducer=_ViewsTellTheTruth,
    standing_for=frozenset(OPERATIONS),
)
