"""Forced interleavings as they are recorded: which schedule was tried, and what happened in it. Lines of
`schedules.jsonl`, written in the order in which the schedules ended.

A schedule holds the first actor of a pair at one of its stops until the second one has answered or waits for a lock;
with two preemptions the second one is held as well, and the first goes on. Times are seconds since the run's start.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

HELD_AT_MOST_S: Final = 1.0

PEOPLE: Final[Mapping[tuple[str, str], int]] = {
    ("buy", "buy"): 2,
    ("buy", "buy_again"): 1,
    ("buy", "cancel"): 2,
    ("cancel", "buy"): 2,
    ("cancel", "cancel"): 1,
    ("cancel", "charge"): 1,
    ("charge", "cancel"): 1,
    ("charge", "charge"): 1,
    ("buy", "charge"): 1,
    ("refresh", "refresh"): 1,
    ("refresh", "logout"): 1,
    ("logout", "refresh"): 1,
    ("refresh", "password"): 1,
    ("password", "refresh"): 1,
}
"""Roles of A, the actor that is held, and of B → customers that one schedule needs."""
PAIRS: Final = tuple(PEOPLE)


class Held(StrEnum):
    """How a hold ended.

    `answered`: it lasted until the other actor had ended. `blocked`: until the other actor waited for a lock of the
    held one. `timed_out`: the other actor did neither in the time that a hold may take. `never`: the actor ended
    without reaching this stop. `cut`: the held actor ended the hold by itself (by a timeout of its own).
    """

    ANSWERED = "answered"
    BLOCKED = "blocked"
    TIMED_OUT = "timed_out"
    NEVER = "never"
    CUT = "cut"


class Stop(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place at which an actor can be held.

    Attributes:
        number: As the gate counts: even stops are before a write, odd stops before a commit.
        kind: `write` or `commit`.
        statement: Of a write: what it does to which table. Of a commit: `COMMIT`, or the statement that is one.
        place: Line and function of the variant, where the statement says so.
        pid: The server's process that runs it.
    """

    number: int
    kind: str
    statement: str = ""
    place: str = ""
    pid: int = 0
    at_unix_s: float = 0.0

    @property
    def name(self) -> str:
        """For people and commands: `w1`, `c3`; the number counts all stops of the actor."""
        return f"{self.kind[0]}{self.number // 2}"


class Wait(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A session waits for a lock that the held actor has.

    Attributes:
        lock: As `pg_locks` names it: `transactionid` and `tuple` are rows.
        table: The lock's table, where it is known.
        known: The comment of the waiting statement names the other actor.
    """

    pid: int
    lock: str
    mode: str = ""
    table: str = ""
    statement: str = ""
    at: str = ""
    known: bool = True


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened in a schedule.

    Attributes:
        at: Seconds since the run's start.
        who: `A` or `B`.
        kind: `starts`, `stop` (reaches one, and is released at once), `held`, `waits` (for a lock), `goes_on`, `ended`,
            or `missing`: an expected stop, or the actor itself, did not come.
        what: In words.
    """

    at: float
    who: str
    kind: str
    what: str


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an actor ended.

    Attributes:
        role: Of the pair: `buy`, `charge`.
        actor: As its statements name it: a request id, or a task's id. Empty: the task's message never came.
        operation: Id in the history; empty for a task.
        answer: For people: `202 pending`, `409 sold_out`, `ended`, `did not come`, `no answer in 10 s`.
    """

    role: str
    actor: str = ""
    operation: str = ""
    answer: str = ""


class Schedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A schedule that was tried, or (`learnt`) a first run with one actor alone, which shows its stops.

    Attributes:
        id: `<section>/w2`, with two preemptions `<section>/w2-c1`; `<section>/alone` and `<section>/alone-b` are the
            first runs.
        pair: Roles of A and B.
        stop, second_stop: Where A was to be held, and B; None: nowhere.
        held, second_held: How the two holds ended.
        hold_s: How long A was held.
        wait: The lock of A's that B waited for.
        stops: Of a first run: every stop that the actor reached.
        note: Why it could not begin; empty when it did.
        untried: Of a first run: schedules for which there was no time or room; recorded in a line of its own.
        unnamed: Writes of the whole section that name neither a request nor a task, so that nobody could be held at
            them; recorded in a line of its own.
        tier, customers, orders, operations, keys: Those of the world and of the history that belong to this schedule.
    """

    id: str
    section: str
    pair: tuple[str, str]
    steps: tuple[Step, ...]
    a: Said
    b: Said
    learnt: bool = False
    stop: Stop | None = None
    second_stop: Stop | None = None
    held: Held = Held.NEVER
    second_held: Held | None = None
    hold_s: float = 0.0
    took_s: float = 0.0
    wait: Wait | None = None
    stops: tuple[Stop, ...] = ()
    tier: int | None = None
    customers: tuple[int, ...] = ()
    orders: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    note: str = ""
    untried: int = 0
    unnamed: int = 0

    @property
    def was_held(self) -> bool:
        """Whether A was held while B ran."""
        return not self.learnt and self.held not in {Held.NEVER, Held.CUT}
