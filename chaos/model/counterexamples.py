"""counterexamples.json: for each violated check the few operations that show it, on one time line with what they did.

Everything on it is looked up from the record by the pointers of the finding. Statements and log lines explain; the
finding was decided without them.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from chaos.model.interleaving import Schedule

LANES = {
    "client": "client",
    "database": "database",
    "gateway": "gateway",
    "mail": "mail",
    "api": "API log",
    "worker": "worker log",
    "gate": "gate",
}
"""Lane → its name for people; a lane without an entry is shown as it is."""


class Moment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened at one moment, or over a time. Times are seconds since the load's start.

    Attributes:
        until_s: When it ended; None when it has no length, or its end is not on record.
        lane: Which part did it: `client`, `api`, `worker`, `relay`, `database`, `gateway`, `mail`, `gate`.
        kind: `operation`, `statement`, `log`, `order`, `call`, `charge`, `mail` or `step`.
        who: The operation, task or order that it belongs to.
        label: `A`, `B`, …: the operation of the counterexample that caused it; empty when none did.
        where: The view's URL pattern, the task's name; empty where it has none.
        line: Which line of the shop's code made the statement; empty when its comment does not say.
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
    line: str = ""
    session: int = 0


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One operation of a counterexample.

    Attributes:
        label: `A`, `B`, … in the order of sending.
        route: URL pattern of the view that it went through, as its statements say; empty when unknown.
        answer: Status and meaning, in words.
        request: As a shell command, where the whole request is on record.
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
    request: str = ""

    @property
    def about(self) -> list[str]:
        """Its parameters, each in words: `1 seat`, `customer 128`, `through /api/orders/`."""
        parts = [f"{self.quantity} seat{'s' if self.quantity > 1 else ''}"] if self.quantity else []
        parts += [f"customer {self.customer}"] if self.customer is not None else []
        parts += [f"key {self.key}"] if self.key else []
        parts += [f"order {self.order}"] if self.order else []
        parts += [f"through {self.route}"] if self.route else []
        return parts


class TimeLine(Protocol):
    """Operations, and what they did."""

    @property
    def operations(self) -> tuple[Shown, ...]: ...

    @property
    def moments(self) -> tuple[Moment, ...]: ...


class Race(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A lost update: two requests or tasks that both read a row before either wrote it. Of the database's log.

    Attributes:
        says: What happened to the row, in sentences.
        row: Table and key.
        count: Changes of this row that were lost in the run; this is the first of them.
        lines: Where in the shop's code the row is read and written.
        operations: The two; a task stands among them, too.
        moments: Their requests, reads, writes and ends, by time.
    """

    says: str
    row: str
    count: int
    lines: tuple[str, ...] = ()
    operations: tuple[Shown, ...] = ()
    moments: tuple[Moment, ...] = ()

    @property
    def counted(self) -> str:
        """`36 lost updates of shop_tickettier 1 in this run; this is the first`"""
        if self.count == 1:
            return f"one lost update of {self.row} in this run"
        return f"{self.count} lost updates of {self.row} in this run; this is the first"


class Explained(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One violated check.

    Attributes:
        says: Why these operations show the violation, in one sentence.
        moments: By time; at most some dozens, reads left out first.
        left_out: Moments that were left out.
        unknown: What could not be looked up, in words: an absent statement log, an id that the record doesn't hold.
        schedules: Forced interleavings that show the violation; the time line is that of the first.
        race: The first lost update of a row that the finding is about; None where the log shows none.
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
    schedules: tuple[Schedule, ...] = ()
    race: Race | None = None


COUNTEREXAMPLES_VERSION = 2
"""2: with the race. Readers of both read both."""


class Counterexamples(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    counterexamples: tuple[Explained, ...] = ()
    version: int = COUNTEREXAMPLES_VERSION
