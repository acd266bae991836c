"""What a journey is: the exchanges that one arrival makes, and how their answers are read. No I/O."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import ClassVar, Protocol, TypeVar

import msgspec

from chaos.model.history import Outcome, fingerprint
from chaos.model.loadplan import LoadPlan
from chaos.model.world import Page
from loadtests.draws import Draws
from loadtests.world import World

T = TypeVar("T")


class Reading(msgspec.Struct, frozen=True, gc=False):
    """The meaning of an answer, with the fields of the history's ending lines; *page* has the content behind *seen*."""

    outcome: Outcome
    refused: bool = False
    reason: str = ""
    order: str = ""
    order_status: str = ""
    shown: int | None = None
    issued: str = ""
    digest: str = ""
    seen: str = ""
    seats: str = ""
    tickets: int | None = None
    page: Page | None = None


class Call(msgspec.Struct, kw_only=True, gc=False):
    """One HTTP exchange to make.

    Attributes:
        head: Request head up to the value of its last header, `X-Request-Id`, which the client fills in.
        read: Interprets an answer by its status and body; not called without a complete answer.
        intended: Its intended time, in seconds since the load's start.
        phase: Index of the plan's phase; -1: the phase that contains *intended*.

    The other fields are written into the history unchanged, see `chaos.model.history.Invoke`.
    """

    op: str
    method: str
    head: bytes
    read: Callable[[int, bytes], Reading]
    intended: float
    phase: int = -1
    body: bytes = b""
    main: bool = True
    attempt: int = 1
    key: str = ""
    customer: int | None = None
    tier: int | None = None
    quantity: int = 0
    order: str = ""
    token: str = ""
    state: str = ""
    expires: float | None = None
    expects: str = ""
    about: str = ""


class Arrival(msgspec.Struct, kw_only=True, gc=False):
    """One arrival of the schedule, with its own random numbers."""

    index: int
    intended: float
    phase: int
    draws: Draws


class Http(Protocol):
    """What a journey can do: send requests and wait."""

    def head(self, method: str, path: str, *, headers: dict[str, str] | None = None, length: int = 0) -> bytes:
        """A request head for `Call.head`. *length*: bytes of the body."""

    def exchange(self, call: Call) -> Reading:
        """Send *call* exactly once, record the exchange, and return the meaning of its answer."""

    def beside(self, call: Call) -> Callable[[], Reading]:
        """Start *call* now, concurrently. Returns a function that waits for its reading."""

    def now_s(self) -> float:
        """Seconds since the load's start."""

    def sleep_until(self, at_s: float) -> None:
        """Wait until *at_s*, in seconds since the load's start."""

    def winding_down(self) -> bool:
        """True when the run is over, so that a journey must not begin another request."""


class Journey(ABC):
    """One kind of arrival. Its name is that of its file, and of the operation in a plan's mix.

    Attributes:
        follow_ups: Operations after the main one, as they are called in the histograms.
    """

    name: ClassVar[str]
    follow_ups: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        """Prepare as much as possible, so that an arrival costs little."""

    @abstractmethod
    def run(self, arrival: Arrival) -> None:
        """Make the arrival's exchanges; the first one is its main operation."""


def series_of(call: Call) -> str:
    """The name under which an operation is counted; a second try has its own name, apart from the main operations."""
    return call.op if call.attempt == 1 else f"{call.op}_again"


class _Problem(msgspec.Struct):
    code: str = ""


_PROBLEM = msgspec.json.Decoder(_Problem)
_REMAINING = re.compile(rb'"remaining"\s*:\s*\d+')
BAD_BODY = Reading(Outcome.INFO, reason="bad_body")


def unless_ok(status: int, body: bytes, refusals: Collection[tuple[int, str]] = ()) -> Reading:
    """The meaning of an answer that is not 2xx.

    A 4xx means that nothing happened; with one of *refusals* it is a documented refusal, which counts as an answer.
    After any other status (5xx, or a redirect, which is not followed) it is unknown what happened.
    """
    if not 400 <= status < 500:
        return Reading(Outcome.INFO, reason=f"http_{status}")
    try:
        code = _PROBLEM.decode(body).code
    except msgspec.DecodeError:
        code = ""
    return Reading(Outcome.FAIL, refused=(status, code) in refusals, reason=code or f"http_{status}")


def held(body: bytes) -> str:
    """A fingerprint of a read's content without the numbers of remaining seats, to compare answers to the same read."""
    return fingerprint(_REMAINING.sub(b"", body))


def decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T | None:
    """The decoded body; None when it does not have the form that the contract promises."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
