"""What judging reads: the end state of the world and the context of the run. The history streams past separately."""

from __future__ import annotations

from typing import Any

import msgspec

PATCH = "attempt.patch"
"""What the learner changed in the code that ran; it explains, and nothing is judged by it."""


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the view `lab_tiers`."""

    tier_id: int
    event_slug: str
    capacity: int
    sold: int
    price_cents: int


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the view `lab_orders`. Times are seconds since the epoch; `client_key` is the order's reference."""

    order_id: str
    customer_id: int
    client_key: str
    tier_id: int
    quantity: int
    status: str
    amount_cents: int
    created_unix_s: float
    updated_unix_s: float


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the view `lab_tickets`."""

    ticket_id: str
    order_id: str
    tier_id: int


class SideEffect(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the view `lab_side_effects`: how often the effect *kind* happened for *order_id*."""

    kind: str
    order_id: str
    times: int


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """A captured charge in the gateway's ledger. `idempotency_key` is empty when the caller sent none."""

    charge_id: str
    order_id: str
    idempotency_key: str
    amount_cents: int
    captured_unix_s: float


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """A refund in the gateway's ledger: all of one charge."""

    refund_id: str
    charge_id: str
    order_id: str
    amount_cents: int
    refunded_unix_s: float


class GatewayCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call that reached the gateway. `answered_unix_s` is None in flight or when nobody was left to answer."""

    order_id: str
    idempotency_key: str
    arrived_unix_s: float
    answered_unix_s: float | None
    status: int
    replayed: bool = False


class QueueSample(msgspec.Struct, frozen=True, kw_only=True):
    """The broker's queues at one moment of the load, asked of Redis past the proxies."""

    at_s: float
    queued: int
    unacked: int


class BrokerMessage(msgspec.Struct, kw_only=True):
    """A task's message as the broker itself saw it pass, not as the worker tells it.

    Attributes:
        tag: Of this message; a message that comes back keeps it.
        task, task_id: A retry is a new message with the same task id and a higher `retries`.
        arguments: The task's arguments, as JSON text.
        delivered_unix_s: When a worker took it; None while it waits.
        acked_unix_s: When the worker had it removed; None while it holds it, or died holding it.
    """

    tag: str
    task: str
    task_id: str
    retries: int
    arguments: str
    queued_unix_s: float
    delivered_unix_s: float | None = None
    acked_unix_s: float | None = None


class EndState(msgspec.Struct, kw_only=True):
    """state.json: the world after settling, as its witnesses tell it.

    Attributes:
        missing: Witness name → why it could not be read. A check whose witness is missing is inconclusive.
        settled: True when every accepted order was final, or nothing could move any more, before the promise ran out.
        cut: True when somebody ended the settling before the promise ran out: what is not final then broke nothing.
        healthy: True when canaries and the worker's ping said that the stack was healthy at the end of settling:
            only then does a pending order break the promise.
        settle_s: Seconds that settling took.
        postgres_errors: ERROR and FATAL lines of PostgreSQL's own log during the run.
    """

    tiers: list[Tier] = []
    orders: list[Order] = []
    tickets: list[Ticket] = []
    side_effects: list[SideEffect] = []
    charges: list[Charge] = []
    refunds: list[Refund] = []
    gateway_calls: list[GatewayCall] = []
    broker_messages: list[BrokerMessage] = []
    postgres_errors: list[dict[str, Any]] = []
    missing: dict[str, str] = {}
    settled: bool = False
    healthy: bool = False
    cut: bool = False
    settle_s: float = 0.0

    @property
    def overdue(self) -> bool:
        """Whether what is not final breaks the promise: it had all its time, on a healthy stack."""
        return self.healthy and not self.cut
