"""What a journey is: the exchanges that one arrival makes, and how their answers are read. No I/O."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import ClassVar, Protocol, TypeVar

import msgspec

from chaos.model.history import Outcome
from chaos.model.loadplan import LoadPlan
from loadtests.draws import Draws
from loadtests.world import World

T = TypeVar("T")


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What an answer means; the fields are those of the history's ending lines."""

    outcome: Outcome
    refused: bool = False
    reason: str = ""
    order: str = ""
    order_status: str = ""
    shown: int | None = None
    issued: str = ""
    digest: str = ""


class Call(msgspec.Struct, kw_only=True, gc=False):
    """One HTTP exchange to make.

    Attributes:
        head: Request head up to the value of its last header, `X-Request-Id`, which the client fills in.
        read: Gives the meaning of an answer from its status and body. Never asked when no whole answer came.
        intended: When it is wanted, in seconds since the load's start.
        phase: Index of the plan's phase; -1 asks for the phase that *intended* lies in.

    The rest goes to the history as it is, see `chaos.model.history.Invoke`.
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


class Arrival(msgspec.Struct, kw_only=True, gc=False):
    """One arrival of the schedule, with its own random numbers."""

    index: int
    intended: float
    phase: int
    draws: Draws


class Http(Protocol):
    """What a journey may do to the world."""

    def head(self, method: str, path: str, *, headers: dict[str, str] | None = None, length: int = 0) -> bytes:
        """A request head for `Call.head`. *length* is the body's, in bytes."""

    def exchange(self, call: Call) -> Reading:
        """Make one exchange, record it, and say what came of it. Sends exactly once."""

    def beside(self, call: Call) -> Callable[[], Reading]:
        """Start *call* now, concurrently; the result waits for its reading."""

    def now_s(self) -> float:
        """Seconds since the load's start."""

    def sleep_until(self, at_s: float) -> None:
        """Let time pass."""

    def winding_down(self) -> bool:
        """True when the run is over and a journey should not begin anything new."""


class Journey(ABC):
    """One kind of arrival; its name is the operation in a plan's mix and its file's name.

    Attributes:
        follow_ups: Operations beyond the main one, as they stand in the histograms.
    """

    name: ClassVar[str]
    follow_ups: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        """Prepare what can be prepared, so that an arrival costs little."""

    @abstractmethod
    def run(self, arrival: Arrival) -> None:
        """Make the arrival's exchanges; the first one is its main operation."""


def series_of(call: Call) -> str:
    """The name under which an operation is counted: a second try never mixes with the main operations."""
    return call.op if call.attempt == 1 else f"{call.op}_again"


class _Problem(msgspec.Struct):
    code: str = ""


_PROBLEM = msgspec.json.Decoder(_Problem)
BAD_BODY = Reading(Outcome.INFO, reason="bad_body")


def unless_ok(status: int, body: bytes, refusals: Collection[tuple[int, str]] = ()) -> Reading:
    """The meaning of an answer that is not 2xx.

    A 4xx says that nothing happened; with a documented *code* it is a refusal, which is an answer too. Anything else
    (5xx, a redirect, which is never followed) leaves open what happened.
    """
    if not 400 <= status < 500:
        return Reading(Outcome.INFO, reason=f"http_{status}")
    try:
        code = _PROBLEM.decode(body).code
    except msgspec.DecodeError:
        code = ""
    return Reading(Outcome.FAIL, refused=(status, code) in refusals, reason=code or f"http_{status}")


def decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T | None:
    """The body as the contract promises it; None when it is anything else."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
