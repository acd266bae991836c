"""What a run needs besides its faults: the stack, the end state, the trace, the recorder, a lease and an index."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from chaos.model.dress import Asker
from chaos.model.evidence import (
    BrokerMessage,
    Charge,
    Commit,
    GatewayCall,
    Mail,
    Order,
    PendingView,
    Refund,
    SeatsShown,
    Shown,
    SideEffect,
    StoredPassword,
    Ticket,
    Tier,
)
from chaos.model.exchange import PlanRead, Query
from chaos.model.trace import LogLine, Statement


class WorldWitness(Protocol):
    """The end state, read past the proxies: SQL views, PostgreSQL's own log, the gateway's ledger."""

    def at_one_moment(self) -> AbstractContextManager[None]:
        """During the block, the contract's views are read as they were at one moment."""

    def tiers(self) -> list[Tier]:
        """The view `lab_tiers`."""

    def orders(self) -> list[Order]:
        """The view `lab_orders`."""

    def tickets(self) -> list[Ticket]:
        """The view `lab_tickets`."""

    def side_effects(self) -> list[SideEffect]:
        """The view `lab_side_effects`."""

    def passwords(self) -> list[StoredPassword]:
        """The column `password` of the table `shop_customer`, described."""

    def charges(self) -> list[Charge]:
        """The gateway's ledger."""

    def refunds(self) -> list[Refund]:
        """The gateway's ledger."""

    def gateway_calls(self) -> list[GatewayCall]:
        """The gateway's record of calls."""

    def mails(self) -> list[Mail]:
        """The mails that the mail catcher received."""

    def pending_view(self) -> list[PendingView]:
        """The view `lab_pending`."""

    def commits(self) -> list[Commit]:
        """When rows of orders were committed since the run's start; asking ends the recording."""

    def broker_messages(self) -> list[BrokerMessage]:
        """The messages that passed through the broker since the run's start; asking ends the recording."""

    def postgres_errors(self) -> list[dict[str, Any]]:
        """ERROR, FATAL and PANIC entries of PostgreSQL's log since the run's start."""

    def pending(self) -> Pending:
        """The work that is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Accepted work that is not done yet: orders and outbox by the view `lab_pending`, messages by the broker.

    Attributes:
        untold: Orders that were charged, not refunded, and whose mail has not arrived, by ledger and mail catcher.
    """

    orders: int
    outbox: int
    queued: int
    unacked: int
    untold: int = 0

    @property
    def total(self) -> int:
        """0 when no work is left."""
        return self.orders + self.outbox + self.queued + self.unacked + self.untold


class CustomersView(Protocol):
    """The shop as its customers see it, by HTTP, without a proxy between."""

    def order(self, order_id: str, *, access: str, customer: int, asker: Asker) -> Shown:
        """Read the order of *customer* with that access token, as the load of *asker* reads it. Never raises."""

    def seats(self, slug: str, tiers: Collection[int], *, look: int, asker: Asker) -> list[SeatsShown]:
        """Read how many seats of the event's *tiers* are left, for the *look*th time. Never raises."""


class StackControl(Protocol):
    """The stack as a whole, past its proxies."""

    def prepare(
        self, *, variant: str, seed: int, world: Mapping[str, int], world_file: Path, rows: int | None = None
    ) -> Mapping[str, Any]:
        """Switch, empty, seed, start, wait for readiness. Raises: LearnerCodeError, InvalidInput, LabBroken.

        Args:
            rows: Seed only this many of the world's events, and as many orders; None: all events, and no order.
        """

    def fill(
        self, *, variant: str, seed: int, world: Mapping[str, int], world_file: Path, rows: int, edition: int = 0
    ) -> None:
        """Add rows to a world that was prepared with fewer, and to its file. Raises: as `prepare`."""

    def identities(self) -> Mapping[str, str]:
        """Part → an identity that changes when it restarts. Parts that do not answer are absent."""

    def worker_answers(self, timeout_s: float) -> bool:
        """Whether the worker answers a ping through the broker, by Celery's remote control."""


class Watch(Protocol):
    """Looks during a run for strangers: processes and clients that are not part of the lab."""

    def start(self, tell: Callable[[str], None]) -> None:
        """Begin; *tell* gets a sentence about each stranger, once, from another thread. Raises: LabBroken."""

    def wait_ready(self) -> None:
        """Wait until it is looking. Raises: LabBroken."""

    def stop(self) -> str:
        """Look a last time and end. Returns why it may have missed a stranger; empty when it can't have."""


class Tracer(Protocol):
    """Records what explains a run: the statements in the database's log, and the shop's log lines."""

    def start(self) -> None:
        """Begin. Raises: LabBroken."""

    def stop(self) -> None:
        """Idempotent. Raises: LabBroken."""

    def statements(self) -> list[Statement]:
        """Statements of requests and tasks since the start. Raises: LabBroken."""

    def lines(self) -> list[LogLine]:
        """The shop's log since the start. Raises: LabBroken."""


class Recorder(Protocol):
    """Records the statements of an exchange run, and empties the cache between two exchanges."""

    def start(self) -> None:
        """Have every statement logged from now on. Raises: LabBroken."""

    def stop(self) -> None:
        """Idempotent. Raises: LabBroken."""

    def queries(self) -> list[Query]:
        """All statements of the shop since the log was marked, by time. Raises: LabBroken."""

    def busy(self) -> int:
        """Sessions of the shop that work on a statement or hold a transaction open right now. Raises: LabBroken."""

    def empty_cache(self) -> None:
        """Empty the shop's cache. Raises: LabBroken."""

    def explained(self, exchange: str, queries: Sequence[Query]) -> list[PlanRead]:
        """Run each of *queries* that only reads once more under EXPLAIN, with the shop's rights. Never raises."""


class LeaseKeeper(Protocol):
    """The agent, which heals when the runner's lease runs out."""

    def renew(self, *, run_id: str, folder: Path, ttl_s: float) -> None:
        """Extend the lease to *ttl_s* from now. Raises: LabBroken when the agent does not take it."""

    def release(self, *, run_id: str) -> None:
        """End the lease, since the run has healed by itself. Raises: LabBroken when the agent does not take it."""


class Index(Protocol):
    """The scorecard, as far as a run needs it."""

    def put_run(self, run: Mapping[str, Any]) -> None:
        """Index one run; repeating it changes nothing. Raises: OSError when it can't be reached."""
