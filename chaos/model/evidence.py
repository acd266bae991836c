"""What judging reads: the end state of the world and the context of the run. The history is streamed separately.

There are hundreds of thousands of rows. No row refers to another one, so there are no cycles: `gc=False` keeps the
garbage collector from visiting all of them again and again.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Tier(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of the view `lab_tiers`."""

    tier_id: int
    event_slug: str
    capacity: int
    sold: int
    price_cents: int


class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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


class Ticket(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of the view `lab_tickets`."""

    ticket_id: str
    order_id: str
    tier_id: int


class SideEffect(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of the view `lab_side_effects`: how often the effect *kind* happened for *order_id*."""

    kind: str
    order_id: str
    times: int


class StoredPassword(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How the shop stores an account's password, without anything secret.

    Attributes:
        algorithm: As Django names it; `unusable` where no password lets in, `unreadable` for a form unknown to Django.
        settings: The cost parameters, such as PBKDF2's iterations, as written.
        salt, mark: Fingerprints of the salt and of the whole: equal for equal ones. Empty: there is no salt.
    """

    customer_id: int
    algorithm: str
    settings: str
    salt: str
    mark: str


class Charge(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A captured charge in the gateway's ledger. `idempotency_key` is empty when the caller sent none."""

    charge_id: str
    order_id: str
    idempotency_key: str
    amount_cents: int
    captured_unix_s: float


class Refund(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A refund in the gateway's ledger: all of one charge."""

    refund_id: str
    charge_id: str
    order_id: str
    amount_cents: int
    refunded_unix_s: float


class Mail(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A mail that the catcher took, and answered with 250.

    Attributes:
        rcpt_tos: The envelope's recipients.
        order_id: Its header `X-Order-Id`; empty without one.
        acknowledged: The client sent a further command after the 250; without one it may never have read the 250.
        closed_unix_s: When the connection that brought it ended; None while it is open.
    """

    mail_from: str
    rcpt_tos: list[str]
    message_id: str
    order_id: str
    subject: str
    size_bytes: int
    received_unix_s: float
    acknowledged: bool
    closed_unix_s: float | None


class GatewayCall(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One call that reached the gateway.

    Attributes:
        answered_unix_s: None while in flight, when the caller had hung up, and when the answer was withheld.
        through_proxy: Whether the connection was the proxy's; None where that can't be known, as between containers.
    """

    order_id: str
    idempotency_key: str
    arrived_unix_s: float
    answered_unix_s: float | None
    status: int
    replayed: bool = False
    through_proxy: bool | None = None


class PendingView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The one row of the view `lab_pending`, as of the same moment as the other views."""

    pending_orders: int
    unsent_outbox: int


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a customer was shown of an order of theirs when everything had settled: `GET /api/orders/{id}/`.

    Attributes:
        http_status: 0 when there was no answer. For 0, and any status but 200, the other fields are empty.
        order_status: `?` when the answer had none.
        seen: As in the history, with `?` for what the answer lacked.
        tickets: How many it showed; None when it showed no list of them.
    """

    order_id: str
    http_status: int
    order_status: str = ""
    seen: str = ""
    tickets: int | None = None


class SeatsShown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """How many seats of a tier anybody was shown as left in the end: `GET /api/events/{slug}/`.

    Attributes:
        http_status: 0 when there was no answer.
        remaining: None when the answer showed no whole number for this tier.
    """

    tier_id: int
    http_status: int
    remaining: int | None = None


class Commit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """When the transaction that inserted a row was committed, by PostgreSQL's own write-ahead log."""

    table: str
    row_id: str
    committed_unix_s: float


class QueueSample(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The broker's queues at one moment of the load, read from Redis without a proxy in between."""

    at_s: float
    queued: int
    unacked: int


class HostSample(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A line of host.jsonl, about the second before *at_s*. Ratios; None where nothing could be read.

    Attributes:
        api_processes: Process id → share of a core, for each process of the API's group.
        api_core: The largest of them: a Python process can't use more than a core.
    """

    at_s: float
    cpu_busy: float | None = None
    steal: float | None = None
    api_core: float | None = None
    api_processes: dict[str, float] | None = None
    load_1m: float | None = None


class BrokerMessage(msgspec.Struct, kw_only=True, gc=False):
    """A task's message as recorded at the broker, not as the worker reports it.

    Attributes:
        tag: Of this message; a redelivered message keeps it.
        task, task_id: A retry is a new message with the same task id and a higher `retries`.
        arguments: The task's arguments, as JSON text.
        delivered_unix_s: When a worker took it; None while it waits.
        acked_unix_s: When the worker acknowledged it; None before, and when the worker died before it did.
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
        settled: True when, within the promised time, every accepted order was final or nothing could move any more.
        cut: True when a user ended the settling before the promised time: an order that is not final breaks nothing.
        healthy: True when canaries and the worker's ping said that the stack was healthy at the end of settling:
            only then does a pending order break the promise.
        settle_s: Seconds that settling took.
        pending: The view `lab_pending`.
        shown: What customers were shown of their accepted orders at the very end.
        seats_shown: How many seats of the tiers that orders were accepted for anybody was shown as left.
        commits: When each order was committed, by PostgreSQL's write-ahead log.
        postgres_errors: ERROR and FATAL lines of PostgreSQL's own log during the run.
    """

    tiers: list[Tier] = []
    orders: list[Order] = []
    tickets: list[Ticket] = []
    side_effects: list[SideEffect] = []
    passwords: list[StoredPassword] = []
    charges: list[Charge] = []
    refunds: list[Refund] = []
    gateway_calls: list[GatewayCall] = []
    mails: list[Mail] = []
    pending: list[PendingView] = []
    shown: list[Shown] = []
    seats_shown: list[SeatsShown] = []
    commits: list[Commit] = []
    broker_messages: list[BrokerMessage] = []
    postgres_errors: list[dict[str, Any]] = []
    missing: dict[str, str] = {}
    settled: bool = False
    healthy: bool = False
    cut: bool = False
    settle_s: float = 0.0

    @property
    def overdue(self) -> bool:
        """Whether an order that is not final breaks the promise: it had all of its time, on a healthy stack."""
        return self.healthy and not self.cut
