"""counterexamples.json: for each violated check the few operations that show it, on one time line with what they did.

Everything on it is looked up from the record by the pointers of the finding. Statements and log lines explain; the
finding was decided without them.
"""

from __future__ import annotations

import msgspec

COUNTEREXAMPLES = "counterexamples.json"


LANES = {"client": "client", "database": "database", "gateway": "gateway", "api": "API log", "worker": "worker log"}
"""What a lane is called."""


class Moment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened, or lasted. Times are seconds since the load's start.

    Attributes:
        until_s: When it ended; None for what has no length, or whose end nobody saw.
        lane: Who did it: `client`, `api`, `worker`, `relay`, `database`, `gateway`.
        kind: `operation`, `statement`, `log`, `order`, `call` or `charge`.
        who: The operation, task or order that it belongs to.
        label: `A`, `B`, …: the operation of the counterexample that it came of; empty when it came of none.
        where: The view's URL pattern, the task's name; empty where it has none.
        session: PostgreSQL's process id of a statement; 0 otherwise.
    """

    at_s: float
    lane: str
    kind: str
    who: str
    text: str
    label: str = ""
    until_s: float | None = None
    where: str = ""
    session: int = 0


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One operation of a counterexample.

    Attributes:
        label: `A`, `B`, … in the order of sending.
        route: URL pattern of the view that it went through, as its statements say; empty when nobody knows.
        answer: Status and meaning, in words.
    """

    label: str
    id: str
    op: str
    phase: str
    sent_s: float
    answer: str
    ended_s: float | None = None
    key: str = ""
    order: str = ""
    route: str = ""
    customer: int | None = None
    quantity: int = 0

    @property
    def about(self) -> list[str]:
        """What it was about, each in words: `1 seat`, `customer 128`, `through /api/orders/`."""
        parts = [f"{self.quantity} seat{'s' if self.quantity > 1 else ''}"] if self.quantity else []
        parts += [f"customer {self.customer}"] if self.customer is not None else []
        parts += [f"key {self.key}"] if self.key else []
        parts += [f"order {self.order}"] if self.order else []
        parts += [f"through {self.route}"] if self.route else []
        return parts


class Explained(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One violated check.

    Attributes:
        says: Why just these show it, in one sentence.
        moments: By time; at most some dozens, reads left out first.
        left_out: Moments that were left out.
        unknown: What could not be looked up, in words: an absent statement log, an id that the record doesn't hold.
    """

    check: str
    says: str
    expected: str
    measured: str
    where: str = ""
    operations: tuple[Shown, ...] = ()
    moments: tuple[Moment, ...] = ()
    left_out: int = 0
    unknown: tuple[str, ...] = ()


class Counterexamples(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    counterexamples: tuple[Explained, ...] = ()
    version: int = 1
