"""The operation history: what the client asked, when, and what came of it.

A history is one or more JSON-lines files, one per load worker. A file starts with a `start` line and ends, when the
driver was not killed, with an `end` line. Between them stand, in any interleaving, for every operation an `invoke` line
written *before* sending and later one `ok`, `fail` or `info` line with the same id; or a lone `dropped` line for an
arrival that was never sent. All times are seconds since `t0_unix_s` of the `start` line, six decimals.

An operation is one HTTP exchange. The first exchange of an arrival is its main operation (`main: true`): only main
operations are counted against the schedule. Polls and double clicks are operations of their own.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

from chaos.model.bounds import AtS, UnixS, Whole, Word

HISTORY_VERSION = 1


def fingerprint(secret: str | bytes) -> str:
    """Identifies a token or a body without revealing it: 16 hex digits of SHA-256."""
    return hashlib.sha256(secret.encode() if isinstance(secret, str) else secret).hexdigest()[:16]


class Outcome(StrEnum):
    """How an operation ended.

    `ok`: 2xx. `fail`: it definitely did not happen: a 4xx or a refused connection. `info`: unknown: a timeout, a reset,
    a 5xx after sending, or no answer line at all. `dropped`: never sent, because the in-flight cap was reached.
    """

    OK = "ok"
    FAIL = "fail"
    INFO = "info"
    DROPPED = "dropped"


class Start(msgspec.Struct, tag="start", tag_field="t", frozen=True, kw_only=True, omit_defaults=True):
    """First line of a file. With *salt*, request ids are made from operations' ids (`chaos.model.disguise`)."""

    version: int
    worker: Whole
    t0_unix_s: UnixS
    variant: str
    seed: Whole
    salt: str = ""


class Invoke(msgspec.Struct, tag="invoke", tag_field="t", kw_only=True, omit_defaults=True, gc=False):
    """An operation is about to be sent.

    Attributes:
        id: Unique in the run, `<worker>-<number>`. What is sent as `X-Request-Id` is made from it and the file's salt.
        op: Operation name of the journey: `browse`, `buy`, `poll`, `login`, …
        phase: Load phase of the *intended* time.
        intended: When the open model wanted it sent. For polls and double clicks: when the journey wanted it.
        sent: When the bytes were handed to the socket.
        main: True for the operation that the schedule counts.
        attempt: 1 for the first try of this intent, 2 for a double click or a retry with the same key.
        key: The client's intent: the idempotency key, also the order's `reference`. Empty for reads.
        customer: Id of the customer in whose name it is sent; None for anonymous.
        token: Fingerprint of the token that is presented (see `fingerprint`), or the name that a login tries.
        state: What the lab knows of that token when it sends: `valid`, `expired`, `forged_…`, `race`, …
        expires: From when on the token must not be accepted; None for an operation that does not test expiry.
        expects: Statuses that the access matrix allows, such as `200` or `202 409`.
        profile: Which client sends it: empty for the load's, `guest` for the one that shares no HTTP code with it.
        about: Slug of the event whose page is requested; empty for the list.
    """

    id: str
    op: Word
    phase: Word
    intended: AtS
    sent: AtS
    main: bool = True
    attempt: Whole = 1
    key: str = ""
    customer: Whole | None = None
    tier: Whole | None = None
    quantity: Whole = 0
    order: str = ""
    token: str = ""
    state: str = ""
    expires: float | None = None
    expects: str = ""
    profile: str = ""
    about: str = ""


class _Ended(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """How an operation ended.

    Attributes:
        status: HTTP status; 0 when no answer came.
        refused: True for a documented business refusal (e.g. 409 "sold out"): an answer, not a failure.
        reason: Refusal code (`sold_out`), or the transport error's name.
        order, order_status: Order id and status as the answer named them.
        shown: Id of the customer whose data the answer showed; if of several, another one than the caller.
        issued: Fingerprint of the refresh token that the answer held.
        digest: Fingerprint of the answer's body, where two answers have to be the same.
        content_type: Of an answer of 400 or more, without parameters; `none` when it had none.
        problem: An answer of 400 or more was problem+json by its content type and by its body.
        stale: The answer says that it is an old copy (`X-Stale: true`).
        age_s: How old it says it is (`Age`); None without that header.
        seen: What the answer showed of facts that don't change. Of events: the digest of a `Seen` line. Of an order:
            tier, seats, cents and reference, as `3/2/8400/s7-a12`. Of support's list: how many orders.
        seats: Of events: seats that it showed as taken (capacity - remaining), by tier in the order of the `Seen` line.
        tickets: Of an order: how many tickets the answer showed; None when it had no list of tickets.
    """

    id: str
    ended: AtS
    status: Whole = 0
    refused: bool = False
    reason: str = ""
    order: str = ""
    order_status: str = ""
    shown: Whole | None = None
    issued: str = ""
    digest: str = ""
    content_type: str = ""
    problem: bool = False
    stale: bool = False
    age_s: Whole | None = None
    seen: str = ""
    seats: str = ""
    tickets: Whole | None = None


class Ok(_Ended, tag="ok", tag_field="t"):
    """2xx."""


class Fail(_Ended, tag="fail", tag_field="t"):
    """It definitely did not happen."""


class Info(_Ended, tag="info", tag_field="t"):
    """Unknown: it may have happened."""


class Seen(msgspec.Struct, tag="seen", tag_field="t", kw_only=True, gc=False):
    """What a page of events showed, written once, before the first ending that names its digest.

    Attributes:
        events: A `chaos.model.world.Page`, as plain JSON.
    """

    seen: str
    events: Any


class Dropped(msgspec.Struct, tag="dropped", tag_field="t", kw_only=True, gc=False):
    """An arrival that was never sent."""

    id: str
    op: Word
    phase: Word
    intended: AtS


class End(msgspec.Struct, tag="end", tag_field="t", frozen=True, kw_only=True):
    """Last line of a file; `lines` counts all lines before this one."""

    lines: int


Line: TypeAlias = Start | Invoke | Ok | Fail | Info | Seen | Dropped | End


class Operation(msgspec.Struct, kw_only=True, gc=False):
    """One operation, joined from its lines. Fields as in `Invoke` and its ending; `ended` is None without an ending."""

    id: str
    op: Word
    phase: Word
    intended: AtS
    outcome: Outcome
    sent: AtS | None = None
    ended: AtS | None = None
    main: bool = True
    attempt: Whole = 1
    key: str = ""
    customer: Whole | None = None
    tier: Whole | None = None
    quantity: Whole = 0
    order: str = ""
    order_status: str = ""
    status: Whole = 0
    refused: bool = False
    reason: str = ""
    token: str = ""
    state: str = ""
    expires: float | None = None
    expects: str = ""
    profile: str = ""
    shown: Whole | None = None
    issued: str = ""
    digest: str = ""
    content_type: str = ""
    problem: bool = False
    stale: bool = False
    age_s: Whole | None = None
    about: str = ""
    seen: str = ""
    seats: str = ""
    tickets: Whole | None = None

    @property
    def latency_s(self) -> float | None:
        """Seconds from the *intended* start, so that an outage can't hide in the percentiles."""
        return None if self.ended is None else self.ended - self.intended

    @property
    def answered(self) -> bool:
        """Ok, or a documented refusal: an answer that the contract promises."""
        return self.outcome is Outcome.OK or self.refused
