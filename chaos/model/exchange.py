"""Cases and exchanges: what a run of single requests meant to send, and what came back, each recorded whole.

`cases.jsonl` holds a `Case` per line, in the order of sending, written before it is sent. `exchanges.jsonl.gz`
holds an `Exchange` per request that was sent, `queries.jsonl.gz` a `Query` per statement that PostgreSQL logged
meanwhile. None of them holds a token or a password: each is replaced by `…`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

import msgspec

from chaos.model import sql
from chaos.model.bounds import AtS, Count, UnixS, Whole, Word
from chaos.model.history import Outcome

MOST_BODY_BYTES = 1 << 20
"""Of an answer or a request; a longer one is cut, and a check that needs the rest is inconclusive."""
MOST_CASES = 5_000
"""Of one run: at some milliseconds each they take about a minute, and a person can still read them."""

PLACE = re.compile(r"<<(?P<case>[\w.-]+?)\.(?P<field>\w+)>>")
"""Stands for a field of the answer to an earlier case: see `Case`."""

Identity: TypeAlias = Literal["anonymous", "customer", "other", "support", "admin"]
"""Whose token is sent: none, or that of one of the cast of the world file."""
IDENTITIES: tuple[Identity, ...] = ("anonymous", "customer", "other", "support", "admin")

Method: TypeAlias = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that a source wants sent.

    In *path*, in values of *headers* and in *body*, `<<ID.FIELD>>` stands for a field of the answer to the case ID,
    such as `<<orders-3.id>>`: an id that is not known before the run.

    Attributes:
        id: Unique in the run, `<section>-<number>`.
        operation: `operationId` of the contract: `listEvents`.
        path: With its query: `/api/events/?page_size=100`.
        headers: Besides those that the player adds (Authorization, X-Request-Id, Content-Type of a JSON body).
        body: JSON of the request as text, as it goes on the wire; None for a request without a body.
        history: Operation under which the history records it, too (`buy`, `cancel`, `refresh` …); empty for none.
        rows: How many rows the lab fills the world to before it is sent; None leaves the world as it is.
        edition: Which edition of its rows the lab has the world in before it is sent: 0 as planned, for another one
            titles, names of tiers and references are written in place; None leaves it as it is.
        flush: Whether the lab empties the shop's cache right before.
        explain: Whether its statements are run once more afterwards, under EXPLAIN, on the rows as they are in the end.
        wait_s: Seconds between the end of the exchange before it and its sending; more where the machine is slow.
        about: What the checks of the case's source need to know about it.
    """

    id: Word
    section: Word
    operation: Word
    identity: Identity
    method: Method
    path: str
    headers: dict[str, str] = {}
    body: str | None = None
    history: Word = ""
    rows: Count | None = None
    edition: Count | None = None
    flush: bool = False
    explain: bool = False
    wait_s: float = 0.0
    about: dict[str, Any] = {}


class Exchange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request as it was sent, and its answer.

    Attributes:
        id: The case's.
        case: Id of its case.
        request_id: What was sent as X-Request-Id.
        path, request_body: With every `<<…>>` replaced.
        request_headers: By lower-case name; without Authorization, since *identity* says whose token it was.
        status: 0 without an answer.
        headers: Of the answer, by lower-case name; those that came more than once are joined by `, `.
        body: Of the answer, as text; bytes that are no UTF-8 are replaced, and `text` is then false.
        body_bytes: Its length as it came.
        cut: Whether it was longer than `MOST_BODY_BYTES`.
        error: Why there is no answer: `ReadTimeout`, or why it was not sent: `unsent: …`.
        rows: How many rows the world had been filled to; None when it was not filled.
        intended, sent, ended: Seconds since second 0 of the run; *sent* and *ended* are None when it was not sent.
    """

    id: Word
    case: Word
    section: Word
    operation: Word
    identity: Identity
    method: Method
    path: str
    intended: AtS
    request_id: Word = ""
    request_headers: dict[str, str] = {}
    request_body: str | None = None
    status: Whole = 0
    headers: dict[str, str] = {}
    body: str = ""
    body_bytes: Count = 0
    text: bool = True
    cut: bool = False
    error: str = ""
    rows: Count | None = None
    sent: AtS | None = None
    ended: AtS | None = None

    @property
    def outcome(self) -> Outcome:
        """As in the history: 2xx is `ok`; 4xx, a refused connection and one never sent `fail`; the rest is unknown."""
        if 200 <= self.status < 300:
            return Outcome.OK
        if 400 <= self.status < 500 or self.error.startswith(("unsent", "ConnectError")):
            return Outcome.FAIL
        return Outcome.INFO

    @property
    def content_type(self) -> str:
        """Without parameters, in lower case; empty when the answer named none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The answer's body. Raises: ValueError when it is not JSON, or not all of it is on record."""
        if self.cut:
            raise ValueError(f"{self.body_bytes} bytes, of which {MOST_BODY_BYTES} are on record")
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(str(error) or "no JSON") from None

    @property
    def curl(self) -> str:
        """As a shell command; in place of the access token it names the account whose token is needed."""
        words = ["curl -i" if self.method == "GET" else f"curl -i -X {self.method}"]
        words += (
            [f"-H 'Authorization: Bearer <access token of {self.identity}>'"] if self.identity != "anonymous" else []
        )
        words += [f"-H {_quoted(f'{name}: {value}')}" for name, value in self.request_headers.items()]
        words += [f"--data {_quoted(self.request_body)}"] if self.request_body is not None else []
        return " ".join([*words, f'"$API"{_quoted(self.path)}'])


def _quoted(text: str) -> str:
    """*text* quoted for a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


class Query(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of PostgreSQL's log about a statement of the shop's.

    Attributes:
        at_unix_s: When it began: the log's time of its end, in whole milliseconds, less its duration.
        pid: The session.
        sql: As it was logged, secrets stripped; at most `MOST_SQL` characters of it.
        detail: Parameters, where they were sent apart from the text.
        request, task: For which it was made, as its comment says; the shop writes the comment, so nothing is decided
            by it.
        line: Which line of the shop's code made it, and in which function or field, as its comment says.
        error: SQLSTATE and message when it failed.
    """

    at_unix_s: UnixS
    pid: Whole
    sql: str
    took_ms: float = 0.0
    detail: str = ""
    request: str = ""
    task: str = ""
    line: str = ""
    error: str = ""

    @property
    def count(self) -> int:
        """How many queries its text holds: 0 for BEGIN, COMMIT and the like, else one or more."""
        return sql.queries(self.sql)


MOST_SQL = 20_000
PAGE_SIZE = 50
"""Rows of a page when nobody asks for another number, by the contract."""


class PlanRead(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What EXPLAIN (ANALYZE, BUFFERS) said of one statement of an exchange, run again by the lab.

    Attributes:
        exchange: Id of the exchange that had made it.
        rows_read: Rows that its scans read, including those that a filter removed.
        rows_returned: Rows of its result.
        buffers: Pages of 8 kB that it touched.
        plan: The plan as text.
        error: Why there is none.
    """

    exchange: Word
    sql: str
    rows_read: Count = 0
    rows_returned: Count = 0
    buffers: Count = 0
    plan: str = ""
    error: str = ""


LOG_STEP_S = 0.0015
"""PostgreSQL's log has whole milliseconds, rounded down: a statement may seem to begin up to this much too early."""


@dataclass(frozen=True, kw_only=True)
class Exchanged:
    """All that is on record of the exchanges of a run.

    Attributes:
        t0_unix_s: Wall clock of second 0.
        unread: File → why it can't be used.
    """

    cases: tuple[Case, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    queries: tuple[Query, ...] = ()
    plans: tuple[PlanRead, ...] = ()
    t0_unix_s: float = 0.0
    unread: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def by_case(self) -> dict[str, list[Exchange]]:
        """Case → its exchanges, in the order of sending."""
        found: dict[str, list[Exchange]] = {}
        for exchange in self.exchanges:
            found.setdefault(exchange.case, []).append(exchange)
        return found

    @cached_property
    def case_of(self) -> dict[str, Case]:
        """Cases by their id."""
        return {case.id: case for case in self.cases}

    def edition_at(self, exchange: Exchange) -> int:
        """Edition of the world's rows when *exchange* was sent."""
        edition = 0
        for case in self.cases:
            edition = edition if case.edition is None else case.edition
            if case.id == exchange.case:
                break
        return edition

    @cached_property
    def made(self) -> dict[str, tuple[Query, ...]]:
        """Exchange → its statements, by time: those that began from its sending until the next one was sent.

        Nothing else is in flight then. A statement that began before the first exchange belongs to none.
        """
        sent = sorted((exchange.sent, exchange.id) for exchange in self.exchanges if exchange.sent is not None)
        starts = [self.t0_unix_s + at_s - LOG_STEP_S for at_s, _ in sent]
        found: dict[str, list[Query]] = {exchange.id: [] for exchange in self.exchanges}
        for query in sorted(self.queries, key=lambda query: query.at_unix_s):
            place = bisect_right(starts, query.at_unix_s) - 1
            if place >= 0:
                found[sent[place][1]].append(query)
        return {exchange: tuple(queries) for exchange, queries in found.items()}

    def count(self, exchange: Exchange) -> int:
        """Queries that PostgreSQL was asked on behalf of *exchange*."""
        return sum(query.count for query in self.made[exchange.id])
