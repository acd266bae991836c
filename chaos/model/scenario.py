"""A validated scenario. Times are still relative to phases; `chaos.plan` makes them seconds."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from chaos.model.checks import CheckSpec, ProbeUse
from chaos.model.faults import FaultParams

# What load mixes may ask for: the main operations of loadtests/journeys. A test holds the two against each other.
OPERATIONS = (
    "browse",
    "buy",
    "buy_and_cancel",
    "change_password",
    "detail",
    "escalate",
    "foreign_order",
    "forged",
    "live",
    "login",
    "login_attack",
    "matrix",
    "me",
    "refresh",
    "refresh_race",
    "resubmit",
    "reuse",
    "revoke",
    "support_list",
)
# Operations that come with another one: whoever buys also polls.
FOLLOW_UPS = {
    "buy": ("poll",),
    "buy_and_cancel": ("cancel", "poll"),
    "change_password": ("renew", "use"),
    "escalate": ("trespass",),
    "foreign_order": ("own_list", "own_order"),
    "matrix": ("matrix_more",),
    "refresh": ("renew", "use"),
    "resubmit": ("poll",),
    "reuse": ("renew", "use"),
    "revoke": ("renew", "use"),
    "support_list": ("trespass",),
}

# Operations that use up the session of a customer: no two arrivals may share one.
SPENDS_SESSIONS = frozenset({"change_password", "login_attack", "matrix", "refresh", "refresh_race", "reuse", "revoke"})

# The six drills, by number, with the stable keys that the scorecard uses.
DRILL_KEYS = {
    1: "api-contract",
    2: "orm-queries",
    3: "concurrency",
    4: "auth",
    5: "system-failure",
    6: "ai-review",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Seeded data: how many of what; *seats* is the capacity of each hot tier.

    Attributes:
        access_lifetime_s: How long access tokens live in this run; None leaves it to the variant.
    """

    events: int = 5
    hot_tiers: int = 1
    seats: int = 150
    customers: int = 200
    access_lifetime_s: int | None = None

    def asked(self) -> dict[str, int]:
        """What `prepare` is asked for; what is left open is absent."""
        return {name: value for name, value in asdict(self).items() if value is not None}


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
        asked = [op for op, weight in self.mix.items() if weight]
        return frozenset(asked) | {extra for op in asked for extra in FOLLOW_UPS.get(op, ())}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpec:
    """One fault of the scenario; `id` is `<kind>-<position>`."""

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
        text: The file as it was read, for the evidence.
        access_table: The access matrix that the operation `matrix` asks; empty without that operation.
        settle_s: The contract's promise: every accepted order is final this long after the load and the last lift.
        may_restart: Processes that the faults may end without killing them.
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

    @property
    def duration_s(self) -> float:
        """Scripted time of the load."""
        return sum(phase.duration_s for phase in self.load)

    @property
    def slug(self) -> str:
        """Last part of the name."""
        return self.name.rsplit("/", 1)[-1]
