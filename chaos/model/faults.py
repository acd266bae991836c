"""What all fault kinds have in common in a scenario file. Each kind adds its own parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from chaos.model.units import Ratio, Seconds, parse_duration_s

PROXIES = ("shop_to_postgres", "shop_to_cache", "shop_to_broker", "shop_to_gateway", "shop_to_mail")
PROCESSES = ("api", "worker", "relay")
# The payment gateway itself: its HTTP-level switches, independent of the proxy in front of it.
GATEWAY = "gateway"
TARGETS = (*PROXIES, *PROCESSES, GATEWAY)

# With a smaller share, a canary would need a thousand connections to be sure to meet the fault.
LEAST_SHARE = 0.01

_PHASE_TIME = re.compile(r"(?P<phase>[a-z][a-z0-9_]*)(?:\+(?P<offset>\d+(?:\.\d+)?(?:ms|s|m)))?")


@dataclass(frozen=True, slots=True)
class PhaseTime:
    """A moment relative to the start of a load phase: `spike+2s`."""

    phase: str
    offset_s: float = 0.0

    def __str__(self) -> str:
        return f"{self.phase}+{self.offset_s:g}s" if self.offset_s else self.phase


def parse_phase_time(value: Any) -> PhaseTime:
    """`spike+2s` or `spike`. Raises: ValueError."""
    if isinstance(value, PhaseTime):
        return value
    match = _PHASE_TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"got {value!r}, expected a moment such as spike+2s")
    return PhaseTime(match["phase"], parse_duration_s(match["offset"]) if match["offset"] else 0.0)


Moment = Annotated[
    PhaseTime,
    BeforeValidator(parse_phase_time),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{re.sub(r'[?]P<[a-z]+>', '', _PHASE_TIME.pattern)}$",
            "examples": ["spike+2s"],
        }
    ),
]


class Params(BaseModel):
    """Strict, frozen: a typo in a key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False, arbitrary_types_allowed=True)


class FaultParams(Params):
    """Keys of every fault.

    Attributes:
        on: Proxy or process that is broken; it has to be in the scenario's blast radius.
        exposed_at_least: Calls (or tasks in flight) that have to meet the fault; fewer make the run inconclusive.
    """

    targets: ClassVar[tuple[str, ...]] = ()

    on: str = Field(description="Proxy or process to break; it has to be in the blast radius.")
    exposed_at_least: int = Field(1, ge=1, description="Calls or tasks that have to meet the fault, else inconclusive.")

    @property
    def starts(self) -> PhaseTime:
        """The earliest moment of the fault."""
        raise NotImplementedError

    @property
    def lasts_s(self) -> float | None:
        """How long it is held; None for a fault that ends by itself."""
        raise NotImplementedError

    @property
    def trigger(self) -> str | None:
        """Name of the trigger that it waits for from `starts` on; None when it is injected at `starts`."""
        return None

    @property
    def hit_ratio(self) -> float:
        """Share of its target's connections or calls that it hits, in (0, 1]."""
        return 1.0

    @property
    def part(self) -> str:
        """The part of its target, such as a direction: two faults of a kind on one part can't be told apart."""
        return ""


class _Held(FaultParams):
    """A fault that is held: for a while, or while a section of an exchange run lasts."""

    for_: Seconds | None = Field(None, alias="for", gt=0, description="How long it is held. Not with `during`.")
    during: str | None = Field(None, description="Section of `exchanges:` that it is held for, from start to end.")

    @property
    def lasts_s(self) -> float | None:
        return self.for_

    def _is_one(self, moments: Sequence[bool], words: str) -> None:
        """Raises: ValueError unless its time is given in exactly one way."""
        if self.during is not None:
            if any(moments) or self.for_ is not None:
                raise ValueError(f"got during: and a time, expected during: alone, or {words}")
        elif sum(moments) != 1 or self.for_ is None:
            raise ValueError(f"got {'no' if self.for_ is None else 'a'} duration, expected {words}, or during:")


class TimedFault(_Held):
    """A fault that is held for a while, or during a section."""

    from_: Moment | None = Field(
        None, alias="from", description="When it is injected, relative to a phase of load. With `for`."
    )

    @model_validator(mode="after")
    def _says_when(self) -> TimedFault:
        self._is_one([self.from_ is not None], "from: with for:")
        return self

    @property
    def starts(self) -> PhaseTime:
        return self.from_ or PhaseTime(self.during or "")


class ToxicFault(TimedFault):
    """A toxic of Toxiproxy.

    Attributes:
        toxicity: Share of *connections* hit; keep-alive clients see all or nothing.
    """

    targets: ClassVar[tuple[str, ...]] = PROXIES

    toxicity: Ratio = Field(1.0, ge=LEAST_SHARE, description="Share of connections hit, at least 1%.")

    @property
    def hit_ratio(self) -> float:
        return self.toxicity


class HeldFault(_Held):
    """A fault that is held for a while: from a fixed moment on, or from when a trigger is seen; or during a section."""

    from_: Moment | None = Field(None, alias="from", description="Fixed moment. Either this, or `when` with `after`.")
    when: str | None = Field(None, description="Trigger to wait for.")
    after: Moment | None = Field(None, description="The trigger counts from here on.")

    @model_validator(mode="after")
    def _one_of(self) -> HeldFault:
        if self.during is None and (
            (self.from_ is None) == (self.when is None) or (self.when is None) != (self.after is None)
        ):
            raise ValueError("got neither or both, expected `from:`, or `when:` together with `after:`")
        self._is_one([self.from_ is not None, self.when is not None or self.after is not None], "a moment with for:")
        return self

    @property
    def starts(self) -> PhaseTime:
        return self.from_ or self.after or PhaseTime(self.during or "")

    @property
    def trigger(self) -> str | None:
        return self.when


class GatewayFault(TimedFault):
    """An HTTP-level switch of the payment gateway.

    Attributes:
        share: Share of *calls* hit, drawn anew for each.
    """

    targets: ClassVar[tuple[str, ...]] = (GATEWAY,)

    share: Ratio = Field(1.0, ge=LEAST_SHARE, description="Share of calls hit, at least 1%.")

    @property
    def hit_ratio(self) -> float:
        return self.share


class InstantFault(FaultParams):
    """A fault that happens once: at a fixed moment, or when a trigger is seen after one."""

    at: Moment | None = Field(None, description="Fixed moment. Either this, or `when` with `after`.")
    when: str | None = Field(None, description="Trigger to wait for.")
    after: Moment | None = Field(None, description="The trigger counts from here on.")

    @model_validator(mode="after")
    def _one_of(self) -> InstantFault:
        if (self.at is None) == (self.when is None) or (self.when is None) != (self.after is None):
            raise ValueError("got neither or both, expected `at:`, or `when:` together with `after:`")
        return self

    @property
    def starts(self) -> PhaseTime:
        moment = self.at or self.after
        assert moment is not None
        return moment

    @property
    def trigger(self) -> str | None:
        return self.when

    @property
    def lasts_s(self) -> float | None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedFault:
    """A fault that the scenario wants to have been injected, proven and felt.

    Attributes:
        id: The same id as in the journal.
        exposed_at_least: How many calls or tasks must have met it.
    """

    id: str
    kind: str
    on: str
    exposed_at_least: int = 1
