"""The customer of each paid order gets exactly one mail, and nobody gets a mail about another order.

The mail may come late. Judged by the mail catcher's record, compared with the gateway's ledger and with what clients
and the contract's views say of an order. *Never*: an order that was paid, and no mail had arrived when its promised
time was over or everything had settled. *Twice*: more than one mail. *Unfounded*: a mail about an order that is
unknown, that was refused or never charged, or that is still pending after everything has settled. *Claimed*:
`lab_side_effects` says that the customer was told, and no mail arrived. *Early*: a mail that arrived before its charge
was captured. *Nameless*: a mail without the header `X-Order-Id`. *Astray*: a mail to several addresses, to one that
also gets the mails of another customer, or to another than the customer was seeded with. A cancelled order has one mail
or none, since it may have been paid before.

A client that loses the connection after sending the data can't know whether the mail was taken, and is right to send it
again. So a further copy is excused when the copy before it had the same Message-ID, its client had not gone on after
the answer, and a fault was held on `shop_to_mail` or on a process while that connection was open. The shop also can't
note that a mail was sent while its database is cut off: a copy with the same Message-ID is excused, too, when a fault
was held on `shop_to_postgres` while the connection of the one before it was open. In all other cases it counts.

Inconclusive when no order was paid.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import inf

from chaos.invariants._common import ORDERS, NoParams, Say, first_order
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.evidence import EndState, Mail
from chaos.model.faults import PROCESSES
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.span import Span
from chaos.model.verdict import Finding

SAY = Say("told_once", "the customer of each paid order gets one mail, nobody else gets any")
CUTS = frozenset({"shop_to_mail", *PROCESSES})
FORGETS = frozenset({"shop_to_postgres"})
# A fault may have begun to cut a little before it had certainly taken effect.
AROUND_S = 1.0

_WORDS = {
    "never": "paid orders, and nobody was told",
    "twice": "orders were told of more than once",
    "unfounded": "mails are about orders that were not paid",
    "claimed": "customers were told, says lab_side_effects, and no mail arrived",
    "early": "mails came before the charge",
    "nameless": "mails name no order",
    "astray": "mails went to somebody else",
}

_SAYS = {
    "never": "paid, and the customer was never told",
    "twice": "the customer was told more than once",
    "unfounded": "the customer was told, and the order was not paid",
    "claimed": "the shop says that the customer was told, and no mail arrived",
    "early": "the customer was told before the gateway had taken the money",
    "nameless": "a mail that names no order",
    "astray": "a mail that went to somebody else, or to several",
}


class _ToldOnce:
    def __init__(self, _: NoParams) -> None:
        self.known: set[str] = set()
        self.seen_paid: set[str] = set()

    def feed(self, op: Operation) -> None:
        if op.order:
            self.known.add(op.order)
            if op.order_status == "paid":
                self.seen_paid.add(op.order)

    def finish(self, context: Context) -> Finding:
        state = context.state
        mails: defaultdict[str, list[Mail]] = defaultdict(list)
        for mail in sorted(state.mails, key=lambda mail: mail.received_unix_s):
            mails[mail.order_id].append(mail)
        nameless = mails.pop("", [])
        status = {order.order_id: order.status for order in state.orders}
        refunded = {refund.order_id for refund in state.refunds}
        paid = {id_ for id_, now in status.items() if now == "paid"}
        paid |= {id_ for id_ in self.seen_paid if status.get(id_) != "cancelled" and id_ not in refunded}
        untold = sorted(paid - mails.keys())
        claimed = {effect.order_id for effect in state.side_effects if effect.times}
        over = state.settled or context.overdue
        copies = {id_: _further(sent, context) for id_, sent in mails.items()}
        broken = {
            "never": untold if over else [],
            "twice": sorted(id_ for id_, (counted, _) in copies.items() if counted),
            "unfounded": sorted(mails.keys() - self._founded(status, state)),
            "claimed": sorted(claimed - mails.keys()) if over else [],
            "early": _early(mails, state),
            "nameless": [mail.message_id or mail.subject for mail in nameless],
            "astray": _astray(mails, state, context.world.email_of),
        }
        figures = {f"told_{name}": len(found) for name, found in broken.items()}
        excused = sum(spared for _, spared in copies.values())
        figures |= {"paid": len(paid), "mails": len(state.mails), "copies_excused": excused}
        measured = f"{len(state.mails)} mails for {len(paid)} paid orders"
        measured += f", {excused} of them copies after a connection that a fault cut" if excused else ""
        said = ", ".join(f"{len(found)} {_WORDS[name]}" for name, found in broken.items() if found)
        if said:
            examples = [order_id for found in broken.values() for order_id in found[:4]]
            one = first_order(broken, _SAYS, status.keys() | self.known)
            return SAY.violated(said, f"{measured}: {said}", examples=examples, figures=figures, counterexample=one)
        if untold:
            reason = f"{len(untold)} paid orders were not told of yet, but the world had not settled"
            return SAY.inconclusive(reason, measured, examples=untold, figures=figures)
        if not paid:
            return SAY.inconclusive("no order was paid, so nobody had to be told", measured, figures=figures)
        return SAY.held_if_settled(context, measured, figures)

    def _founded(self, status: dict[str, str], state: EndState) -> set[str]:
        """Orders about which a mail is right: known, charged, and not refused."""
        # A worker that was stopped between the two may have sent the mail and not yet set the order to paid.
        may_be = {"paid", "cancelled"} if state.settled else {"paid", "cancelled", "pending"}
        known = {id_ for id_, now in status.items() if now in may_be} | (self.known - status.keys())
        return known & {charge.order_id for charge in state.charges}


def _further(sent: list[Mail], context: Context) -> tuple[int, int]:
    """Mails about one order after the first: how many count, and how many are excused."""
    excused = sum(_may_be_unknown(earlier, later, context) for earlier, later in pairwise(sent))
    return len(sent) - 1 - excused, excused


def _may_be_unknown(earlier: Mail, later: Mail, context: Context) -> bool:
    """Whether a fault may have kept the client from learning, or from noting, that *earlier* was taken."""
    if not earlier.message_id or earlier.message_id != later.message_id:
        return False
    guilty = FORGETS if earlier.acknowledged else CUTS | FORGETS
    began_s = earlier.received_unix_s - context.t0_unix_s
    ended_s = inf if earlier.closed_unix_s is None else earlier.closed_unix_s - context.t0_unix_s
    return any(fault.name in guilty and _meet(fault, began_s, ended_s) for fault in context.faults)


def _meet(fault: Span, began_s: float, ended_s: float) -> bool:
    return fault.start_s - AROUND_S <= ended_s and began_s <= fault.end_s + AROUND_S


def _early(mails: dict[str, list[Mail]], state: EndState) -> list[str]:
    """Orders whose first mail arrived before the first charge was captured."""
    captured: dict[str, float] = {}
    for charge in state.charges:
        captured[charge.order_id] = min(captured.get(charge.order_id, inf), charge.captured_unix_s)
    return sorted(
        order_id for order_id, sent in mails.items() if sent[0].received_unix_s < captured.get(order_id, -inf)
    )


def _astray(mails: dict[str, list[Mail]], state: EndState, seeded: Mapping[int, str]) -> list[str]:
    """Orders whose mail had several recipients, one who also gets mails of another customer, or not the customer."""
    customer = {order.order_id: order.customer_id for order in state.orders}
    whose: defaultdict[str, set[int]] = defaultdict(set)
    for order_id, sent in mails.items():
        for address in _recipients(sent):
            if order_id in customer:
                whose[address].add(customer[order_id])
    shared = {address for address, customers in whose.items() if len(customers) > 1}
    return sorted(
        order_id
        for order_id, sent in mails.items()
        if len(recipients := _recipients(sent)) != 1
        or recipients.keys() & shared
        or seeded.get(customer.get(order_id, 0), address := next(iter(recipients))) != address
    )


def _recipients(sent: Iterable[Mail]) -> Counter[str]:
    return Counter(address.lower() for mail in sent for address in mail.rcpt_tos)


KIND = InvariantKind(
    name="told_once",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=ORDERS | {"poll"},
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"world", "orders", "side_effects", "charges", "refunds", "mails"}),
    reducer=_ToldOnce,
    by_the_clock=True,
)
