"""A validated scenario. Times are still relative to phases; `chaos.plan` makes them seconds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from chaos.checks import CheckSpec
from chaos.model.faults import FaultParams
from chaos.model.operations import performed
from chaos.model.strict import StrictModel
from chaos.model.world import World
from chaos.probes import ProbeUse

# The six drills, by number, with the stable keys that the scorecard uses.
DRILL_KEYS = {
    1: "api-contract",
    2: "orm-queries",
    3: "concurrency",
    4: "auth",
    5: "system-failure",
    6: "ai-review",
}


def text_digest(text: str) -> str:
    """What stands for a scenario's text in the journal: SHA-256 of its UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPhase:
    """A stretch of open-model load whose rate moves linearly."""

    name: str
    duration_s: float
    rate_from_per_s: float
    rate_to_per_s: float
    mix: dict[str, int]

    @property
    def operations(self) -> frozenset[str]:
        """Operations that this phase performs."""
        return performed(op for op, weight in self.mix.items() if weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A stretch of an exchange run: what one source sends, one request after the other.

    Attributes:
        source: Name of the source.
        params: Its own parameters, validated.
    """

    name: str
    source: str
    params: StrictModel


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpec:
    """One fault of the scenario; `id` is `<position>-<kind>-<target>`, such as `2-kill-worker`."""

    id: str
    kind: str
    params: FaultParams


@dataclass(frozen=True, slots=True, kw_only=True)
class Proves:
    """What the self-test expects of `naive`; `hardened` has to hold.

    Attributes:
        must, may: Ids of checks that naive has to violate, and those that it may.
        mutants: Names of mutants that this scenario catches.
    """

    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    mutants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario that passed every check of its file.

    Attributes:
        name: Folder and stem below `scenarios/`, e.g. `concurrency/flash-sale`; the stem alone elsewhere.
        load: Phases of load; empty for an exchange run.
        exchanges: Sections of an exchange run; empty for load.
        text: The file as it was read, for the evidence.
        access_table: The access matrix that the operation `matrix` asks; empty without that operation.
        settle_s: The contract's promise: every accepted order is final this long after the load and the last lift.
        may_restart: Processes that may end although no fault restarts them.
        double_click_ratio: Share of buyers that send the same order twice at once.
    """

    name: str
    text: str
    title: str
    drill: int
    hypothesis: str
    seed: int
    world: World
    blast_radius: tuple[str, ...]
    load: tuple[LoadPhase, ...]
    faults: tuple[FaultSpec, ...]
    steady_state: tuple[ProbeUse, ...]
    checks: tuple[CheckSpec, ...]
    guardrails: tuple[ProbeUse, ...] = ()
    proves: Proves | None = None
    settle_s: float = 30.0
    may_restart: tuple[str, ...] = ()
    double_click_ratio: float = 0.2
    access_table: str = ""
    exchanges: tuple[Section, ...] = ()

    @property
    def duration_s(self) -> float:
        """Scripted time of the load."""
        return sum(phase.duration_s for phase in self.load)

    @property
    def slug(self) -> str:
        """Last part of the name."""
        return self.name.rsplit("/", 1)[-1]
