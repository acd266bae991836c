"""A small world: one tier of ten seats, and operations on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from chaos.invariants import KINDS, Context
from chaos.model.evidence import (
    BrokerMessage,
    Charge,
    Commit,
    EndState,
    GatewayCall,
    Mail,
    Order,
    QueueSample,
    Refund,
    SideEffect,
    Ticket,
    Tier,
)
from chaos.model.history import Operation, Outcome
from chaos.model.span import Span
from chaos.model.verdict import Finding
from chaos.model.world import Page, SeededEvent, SeededTier, SeededWorld, page_digest

T0_UNIX_S = 1_000_000.0


def seeded(capacity: int) -> SeededWorld:
    """One event with one tier."""
    tier = SeededTier(tier_id=1, event_slug="gig", name="Floor", price_cents=100, capacity=capacity)
    event = SeededEvent(
        event_id=1, slug="gig", title="A with B", starts_at="2026-12-24T19:00:00Z", venue="Hall", city="Cork",
        performers=("B", "A"),
    )  # fmt: skip
    return SeededWorld(events=(event,), tiers=(tier,))


class World:
    """Builds operations and an end state that fit together, then lets an invariant judge them."""

    def __init__(self, capacity: int = 10) -> None:
        self.operations: list[Operation] = []
        self.seeded = seeded(capacity)
        tier = Tier(tier_id=1, event_slug="gig", capacity=capacity, sold=0, price_cents=100)
        self.state = EndState(tiers=[tier], settled=True, healthy=True, settle_s=3.0)
        self.history_complete = True
        self.lifted_s: float | None = None
        self.phases = (Span(name="calm", start_s=0.0, end_s=8.0), Span(name="spike", start_s=8.0, end_s=20.0))
        self.queue: list[QueueSample] = []
        self.pages: dict[str, Page] = {}
        self.busy: dict[str, str] = {}
        self.faults: list[Span] = []

    def ask(self, key: str, outcome: Outcome, *, at_s: float = 0.0, quantity: int = 1, **more: Any) -> Operation:
        """A buy that takes 0.1 s; without an answer when it is `info`."""
        ended = None if outcome is Outcome.INFO else at_s + 0.1
        base = {"op": "buy", "phase": "spike", "intended": at_s, "sent": at_s, "ended": ended, "tier": 1}
        id_ = f"op-{len(self.operations)}"
        op = Operation(**{**base, "id": id_, "key": key, "outcome": outcome, "quantity": quantity, **more})
        self.operations.append(op)
        return op

    def refused(self, key: str, **more: Any) -> Operation:
        """Told "sold out"."""
        return self.ask(key, Outcome.FAIL, status=409, refused=True, reason="sold_out", **more)

    def order(
        self,
        order_id: str,
        key: str,
        status: str = "paid",
        *,
        quantity: int = 1,
        updated_s: float = 1.0,
        customer_id: int = 1,
    ) -> None:
        """A row in the database; a paid one with its tickets."""
        times = {"created_unix_s": T0_UNIX_S, "updated_unix_s": T0_UNIX_S + updated_s}
        row = {"order_id": order_id, "client_key": key, "customer_id": customer_id, "tier_id": 1}
        row |= {"amount_cents": 100 * quantity}
        self.state.orders.append(Order(**row, quantity=quantity, status=status, **times))
        committed = Commit(table="shop_order", row_id=order_id, committed_unix_s=T0_UNIX_S - 1)
        self.state.commits.append(committed)
        if status == "paid":
            self.state.tickets += [
                Ticket(ticket_id=f"{order_id}-{n}", order_id=order_id, tier_id=1) for n in range(quantity)
            ]

    def charge(self, order_id: str, key: str = "", *, amount_cents: int = 100) -> None:
        """A captured charge in the ledger."""
        id_ = f"charge-{len(self.state.charges)}"
        money = {"amount_cents": amount_cents, "captured_unix_s": T0_UNIX_S + 1}
        self.state.charges.append(Charge(charge_id=id_, order_id=order_id, idempotency_key=key, **money))

    def refund(self, order_id: str, *, amount_cents: int = 100) -> None:
        """A refund in the ledger."""
        id_ = f"refund-{len(self.state.refunds)}"
        money = {"amount_cents": amount_cents, "refunded_unix_s": T0_UNIX_S + 2}
        self.state.refunds.append(Refund(refund_id=id_, charge_id="c", order_id=order_id, **money))

    def call(self, order_id: str, at_s: float = 0.0, *, status: int = 201, answered: bool = True) -> None:
        """A call for a charge that took 0.1 s."""
        times = {"arrived_unix_s": T0_UNIX_S + at_s, "answered_unix_s": T0_UNIX_S + at_s + 0.1 if answered else None}
        self.state.gateway_calls.append(GatewayCall(order_id=order_id, idempotency_key="", status=status, **times))

    def message(
        self, order_id: str, queued_s: float, delivered_s: float | None, acked_s: float | None, **more: Any
    ) -> None:
        """A charging task's message at the broker."""
        tag = f"m-{len(self.state.broker_messages)}"
        base = {"tag": tag, "task": "shop.charge_order", "task_id": tag, "retries": 0}
        base |= {"arguments": f'[["{order_id}"], {{}}, {{"chain": null}}]', "queued_unix_s": T0_UNIX_S + queued_s}
        times = {
            name: None if at_s is None else T0_UNIX_S + at_s
            for name, at_s in (("delivered_unix_s", delivered_s), ("acked_unix_s", acked_s))
        }
        self.state.broker_messages.append(BrokerMessage(**{**base, **times, **more}))

    def effect(self, order_id: str, times: int = 1) -> None:
        """A confirmation."""
        self.state.side_effects.append(SideEffect(kind="confirmation", order_id=order_id, times=times))

    def mail(self, order_id: str, at_s: float = 1.5, **more: Any) -> None:
        """A mail at the catcher, read and acknowledged; by default after the charge."""
        base: dict[str, Any] = {"mail_from": "shop@example.org", "rcpt_tos": ["ada@example.org"], "subject": "Tickets"}
        base |= {"message_id": f"<{order_id}@shop>", "order_id": order_id, "size_bytes": 300}
        base |= {"acknowledged": True, "closed_unix_s": T0_UNIX_S + at_s + 0.1, "received_unix_s": T0_UNIX_S + at_s}
        self.state.mails.append(Mail(**{**base, **more}))

    def asked(self, op: str, order_id: str, order_status: str = "", at_s: float = 0.0, **more: Any) -> None:
        """A poll or a cancel that was answered."""
        base = {"id": f"op-{len(self.operations)}", "op": op, "phase": "spike", "intended": at_s, "sent": at_s}
        base |= {"ended": at_s + 0.1, "outcome": Outcome.OK, "main": False, "order": order_id}
        self.operations.append(Operation(**{**base, "order_status": order_status, **more}))

    def looked(
        self, taken: int = 0, *, at_s: float = 0.0, age_s: int | None = None, page: Page | None = None, about: str = ""
    ) -> str:
        """A page of events that showed so many seats as taken; that of the seeded world unless told otherwise."""
        page = tuple(self.seeded.by_slug.values()) if page is None else page
        digest, tiers = page_digest(page), sum(len(event.tiers) for event in page)
        self.pages[digest] = page
        id_ = f"op-{len(self.operations)}"
        base = {"id": id_, "op": "detail" if about else "browse", "phase": "spike", "intended": at_s, "sent": at_s}
        base |= {"ended": at_s + 0.1, "outcome": Outcome.OK, "status": 200, "about": about, "age_s": age_s}
        self.operations.append(Operation(**base, seen=digest, seats=" ".join([str(taken)] * tiers)))
        return id_

    def bought(self, key: str, *, quantity: int = 1, status: str = "paid", at_s: float = 0.0, **more: Any) -> str:
        """Accepted, in the database, and charged once when it is paid; returns the order's id."""
        order_id = f"order-{key}"
        self.ask(key, Outcome.OK, at_s=at_s, quantity=quantity, status=202, order=order_id, **more)
        self.order(order_id, key, status, quantity=quantity)
        if status == "paid":
            self.charge(order_id, key, amount_cents=100 * quantity)
        return order_id

    def judge(
        self, invariant: str, order: Callable[[list[Operation]], Iterable[Operation]] = list, **params: Any
    ) -> Finding:
        """Feed the operations that it wants, in the given order, and finish."""
        kind = KINDS[invariant]
        reducer = kind.reducer(kind.params(**params))
        for op in order(self.operations):
            if kind.ops is None or op.op in kind.ops:
                reducer.feed(op)
        finding = reducer.finish(
            Context(
                state=self.state,
                t0_unix_s=T0_UNIX_S,
                phases=self.phases,
                history_complete=self.history_complete,
                lifted_s=self.lifted_s,
                queue=tuple(self.queue),
                world=self.seeded,
                pages=self.pages,
                faults=tuple(self.faults),
                busy=self.busy,
            )
        )
        self._can_be_looked_up(finding)
        return finding

    def _can_be_looked_up(self, finding: Finding) -> None:
        """`explain` finds what a counterexample points at."""
        pointed = finding.counterexample
        if pointed is None:
            return
        orders = {order.order_id for order in self.state.orders} | {op.order for op in self.operations}
        keys = {order.client_key for order in self.state.orders} | {op.key or op.id for op in self.operations}
        assert set(pointed.operations) <= {op.id for op in self.operations}
        assert set(pointed.orders) <= orders
        assert set(pointed.keys) <= keys
        assert set(pointed.charges) <= {charge.charge_id for charge in self.state.charges}
        assert set(pointed.tiers) <= {tier.tier_id for tiers in (self.state.tiers, self.seeded.tiers) for tier in tiers}
        assert pointed.says


@pytest.fixture
def world() -> World:
    return World()


class Accounts:
    """Builds operations about accounts, then lets an invariant judge them."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.state = EndState(settled=True, healthy=True)

    def ask(self, state: str, status: int, *, op: str = "use", at_s: float = 0.0, **more: Any) -> str:
        """An exchange that takes 0.1 s; status 0 has no answer, a 5xx is unknown. Returns its id."""
        outcome = Outcome.OK if 200 <= status < 300 else Outcome.FAIL if 400 <= status < 500 else Outcome.INFO
        id_ = f"op-{len(self.operations)}"
        base = {
            "op": op,
            "phase": more.pop("phase", "rush"),
            "intended": at_s,
            "sent": at_s,
            "ended": at_s + 0.1 if status else None,
        }
        self.operations.append(
            Operation(**{**base, "id": id_, "state": state, "status": status, "outcome": outcome, **more})
        )
        return id_

    def judge(self, invariant: str, **params: Any) -> Finding:
        """Feed forwards and backwards: the order of the history decides nothing."""
        kind = KINDS[invariant]
        context = Context(state=self.state, t0_unix_s=T0_UNIX_S, phases=(), history_complete=True)
        findings = []
        for operations in (self.operations, self.operations[::-1]):
            reducer = kind.reducer(kind.params(**params))
            for op in operations:
                if kind.ops is None or op.op in kind.ops:
                    reducer.feed(op)
            findings.append(reducer.finish(context))
        assert (findings[0].verdict, findings[0].figures) == (findings[1].verdict, findings[1].figures)
        return findings[0]


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()
