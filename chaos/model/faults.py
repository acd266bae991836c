"""What all fault kinds have in common in a scenario file. Each kind adds its own parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from chaos.model.units import Ratio, Seconds, parse_duration_s

PROXIES = ("shop_to_postgres", "shop_to_cache", "shop_to_broker", "shop_to_gateway")
PROCESSES = ("api", "worker", "relay")
# The payment gateway itself: its HTTP-level switches, whatever happens to the way there.
GATEWAY = "gateway"
TARGETS = (*PROXIES, *PROCESSES, GATEWAY)

# Below it a canary would need a thousand connections to meet the fault once.
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


class TimedFault(FaultParams):
    """A fault that is held for a while."""

    from_: Moment = Field(alias="from", description="When it is injected, relative to a phase.")
    for_: Seconds = Field(alias="for", gt=0, description="How long it is held.")

    @property
    def starts(self) -> PhaseTime:
        return self.from_

    @property
    def lasts_s(self) -> float | None:
        return self.for_


class ToxicFault(TimedFault):
    """A toxic of Toxiproxy.

    Attributes:
        toxicity: Share of *connections* hit; keep-alive clients see all or nothing.
    """

    targets: ClassVar[tuple[str, ...]] = PROXIES

    toxicity: Ratio = Field(1.0, ge=LEAST_SHARE, description="Share of connections hit, at least 1%.")


class HeldFault(FaultParams):
    """A fault that is held for a while: from a fixed moment on, or from when a trigger is seen."""

    from_: Moment | None = Field(None, alias="from", description="Fixed moment. Either this, or `when` with `after`.")
    when: str | None = Field(None, description="Trigger to wait for.")
    after: Moment | None = Field(None, description="The trigger counts from here on.")
    for_: Seconds = Field(alias="for", gt=0, description="How long it is held.")

    @model_validator(mode="after")
    def _one_of(self) -> HeldFault:
        if (self.from_ is None) == (self.when is None) or (self.when is None) != (self.after is None):
            raise ValueError("got neither or both, expected `from:`, or `when:` together with `after:`")
        return self

    @property
    def starts(self) -> PhaseTime:
        moment = self.from_ or self.after
        assert moment is not None
        return moment

    @property
    def lasts_s(self) -> float | None:
        return self.for_


class GatewayFault(TimedFault):
    """An HTTP-level switch of the payment gateway.

    Attributes:
        share: Share of *calls* hit, drawn anew for each.
    """

    targets: ClassVar[tuple[str, ...]] = (GATEWAY,)

    share: Ratio = Field(1.0, ge=LEAST_SHARE, description="Share of calls hit, at least 1%.")


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
    def lasts_s(self) -> float | None:
        return None
