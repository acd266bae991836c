"""A safety figure over time, and what a picture of it is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from chaos.model.bounds import UnixS, Whole
from chaos.model.history import Operation

CLIENTS, END_STATE = "what clients were told", "the end state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A count that changes at some moments and stays in between.

    Attributes:
        points: Second of the load and the count from then on, by time.
        bad: Any of it is what the check forbids.
    """

    name: str
    points: tuple[tuple[float, int], ...]
    bad: bool = False

    @property
    def last(self) -> int:
        return self.points[-1][1] if self.points else 0

    @property
    def most(self) -> int:
        return max((count for _, count in self.points), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The figure of one check.

    Attributes:
        said: The figure in words, such as `271 of 150 seats taken`.
        limit: What the first curve must not exceed; None when any of a bad curve is too much.
        beyond: The figure is one that the check forbids, as far as the source knows.
        source: `CLIENTS` or `END_STATE`.
    """

    check: str
    title: str
    said: str
    curves: tuple[Curve, ...]
    limit: int | None = None
    limit_name: str = ""
    beyond: bool = False
    source: str = CLIENTS


class SeatedTier(msgspec.Struct, frozen=True, kw_only=True):
    """A tier of world.json."""

    id: int
    capacity: int
    event_slug: str = ""


class SeatedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that was there before the run."""

    tier: int
    quantity: int
    status: str


class SeatedWorld(msgspec.Struct, frozen=True, kw_only=True):
    """What a picture takes from world.json."""

    tiers: tuple[SeatedTier, ...] = ()
    orders: tuple[SeatedOrder, ...] = ()


class EndOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order of state.json."""

    order_id: str
    client_key: str
    tier_id: int
    quantity: Whole
    status: str
    created_unix_s: UnixS


class EndCharge(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A charge of state.json."""

    order_id: str
    idempotency_key: str
    captured_unix_s: UnixS


class End(msgspec.Struct, frozen=True, kw_only=True):
    """What a picture takes from state.json; *missing* names witnesses that could not be asked."""

    orders: tuple[EndOrder, ...] = ()
    charges: tuple[EndCharge, ...] = ()
    missing: dict[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What stands beside the history.

    Attributes:
        end: None while the run has not collected it.
        t0_unix_s: Second 0 of the load.
    """

    world: SeatedWorld = field(default_factory=SeatedWorld)
    end: End | None = None
    t0_unix_s: float = 0.0

    def witnessed(self, *witnesses: str) -> End | None:
        """The end state, when all *witnesses* of it answered."""
        return None if self.end is None or self.end.missing.keys() & set(witnesses) else self.end


class Drawing(Protocol):
    """Makes the picture of one check from a history, in one pass."""

    def feed(self, op: Operation) -> None: ...

    def picture(self, known: Known) -> Picture | None:
        """None when there is nothing to draw yet."""


def summed(steps: Iterable[tuple[float, int]]) -> tuple[tuple[float, int], ...]:
    """Changes in any order as a count over time; what was before second 0 is there from second 0 on."""
    found: list[tuple[float, int]] = []
    total = 0
    for at_s, change in sorted(steps):
        total += change
        at = round(max(at_s, 0.0), 3)
        if found and found[-1][0] == at:
            found[-1] = (at, total)
        else:
            found.append((at, total))
    return tuple(found)
