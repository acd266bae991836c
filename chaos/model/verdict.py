"""Findings, the verdict over them, and verdict.json: what a run came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

import msgspec

from chaos.model.span import Span


class Verdict(StrEnum):
    """The answer of one check, and of a whole run. Worst wins: held < inconclusive < violated."""

    HELD = "held"
    INCONCLUSIVE = "inconclusive"
    VIOLATED = "violated"


SEVERITY = (Verdict.HELD, Verdict.INCONCLUSIVE, Verdict.VIOLATED)


class FindingKind(StrEnum):
    """What a finding is about."""

    INVARIANT = "invariant"
    SLO = "slo"
    RECOVERY = "recovery"
    STEADY_STATE = "steady_state"
    FAULT = "fault"
    SELF_CHECK = "self_check"
    WITNESS = "witness"

    @property
    def about_run(self) -> bool:
        """Whether it is about the run rather than the API: one that is not held spoils the run."""
        return self in _ABOUT_RUN


_ABOUT_RUN = frozenset({FindingKind.STEADY_STATE, FindingKind.FAULT, FindingKind.SELF_CHECK, FindingKind.WITNESS})

MOST_PROVING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterexample:
    """The smallest set that shows a violation: pointers, which `explain` looks up and puts on one time line.

    At most three of a kind are kept, so that the time line can be understood.

    Attributes:
        says: One sentence: why these show the violation.
        operations: Ids of the client's operations.
        orders: Order ids; their operations, charges and statements are looked up.
        keys: Client intents; every operation and order of each is looked up.
        charges: Charge ids of the gateway's ledger.
        tiers: Tier ids.
    """

    says: str
    operations: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    charges: tuple[str, ...] = ()
    tiers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("operations", "orders", "keys", "charges", "tiers"):
            object.__setattr__(self, name, tuple(getattr(self, name))[:MOST_PROVING])


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check's result.

    Attributes:
        check: Stable id, e.g. `no_oversell` or `slo:success_ratio[spike,buy]`.
        expected: What had to be true, in words with its unit.
        measured: What was found, in words with its unit; empty when nothing could be measured.
        where: Phase, time window or object that the measurement is about; empty for the whole run.
        reason: Why it is inconclusive or violated; empty when held.
        exact: True for an invariant over the whole history: its violation stands on a spoiled run, too, except where
            it compares clocks that were apart.
        examples: Ids of operations or orders that show the violation, smallest set first, at most ten.
        figures: The numbers behind *measured*, by name with the unit in the name.
        counterexample: What to look at to understand a violation; None where no single operation or order shows it.
        so_far: Of an exact invariant that could not be decided: what was measured until then, when nothing in it was
            wrong. Empty otherwise. Added after format 2; readers do without.
    """

    check: str
    kind: FindingKind
    verdict: Verdict
    expected: str
    measured: str = ""
    where: str = ""
    reason: str = ""
    exact: bool = False
    examples: tuple[str, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    counterexample: Counterexample | None = None
    so_far: str = ""

    @property
    def why(self) -> str:
        """Its reason; `nothing wrong so far (150 of 150 seats taken), undecided because …` where that is so."""
        return f"nothing wrong so far ({self.so_far}), undecided because {self.reason}" if self.so_far else self.reason


def overall(findings: Iterable[Finding]) -> Verdict:
    """Worst finding wins. No findings means nothing was checked."""
    return max((f.verdict for f in findings), key=SEVERITY.index, default=Verdict.INCONCLUSIVE)


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """For a reader: what is violated, what stayed open, what held; each in its own order."""
    return tuple(sorted(findings, key=lambda finding: -SEVERITY.index(finding.verdict)))


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRecord:
    """A fault as it went.

    Attributes:
        injected_s: When it had taken effect; None when it never did.
        lifted_s: None while it is not known to be lifted.
        exposure: Calls or tasks that met it; None when nobody counted.
        problem: Why findings can't rely on it; empty when it was proven, felt and lifted.
    """

    id: str
    kind: str
    on: str
    injected_s: float | None
    lifted_s: float | None
    exposure: int | None
    exposed_at_least: int
    proven: bool
    problem: str

    @property
    def text(self) -> str:
        """`latency on shop_to_gateway`"""
        return f"{self.kind} on {self.on}" if self.on else self.kind


Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
Milliseconds: TypeAlias = Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]


class OperationRow(msgspec.Struct, frozen=True, kw_only=True):
    """One operation in one phase: how often it ended which way, and how long it took from its intended start.

    Attributes:
        p50_ms, p95_ms, p99_ms: None where the operation at that rank had no promised answer.
    """

    ok: Count
    refused: Count
    fail: Count
    info: Count
    dropped: Count
    p50_ms: Milliseconds | None
    p95_ms: Milliseconds | None
    p99_ms: Milliseconds | None

    @property
    def answered(self) -> int:
        """With what was promised: a success or a documented refusal."""
        return self.ok + self.refused

    @property
    def errors(self) -> int:
        """Without what was promised."""
        return self.fail + self.info + self.dropped

    @property
    def total(self) -> int:
        """All that were wanted."""
        return self.answered + self.errors


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was run: the first keys of verdict.json, in their order.

    Attributes:
        started_at: ISO 8601 in UTC.
        learner: Empty where nobody gave a name.
        isolation: What kept the shop from the lab: `own user`, `same user` or `containers`; empty where nobody knows.
        versions: Of the lab's parts, by name.
    """

    run_id: str
    scenario: str
    title: str
    hypothesis: str
    drill: int
    variant: str
    seed: int
    scale: float
    started_at: str
    duration_s: float
    learner: str = ""
    isolation: str = ""
    versions: dict[str, str] = {}


class VerdictDocument(RunFacts, frozen=True, kw_only=True):
    """The content of verdict.json, in the order of its keys: what was run, then what the judge made of it.

    Keys of other versions are passed over. Those with a default were added after the first runs.

    Attributes:
        advice: For a run that can't tell: what to do about its root; else empty.
        aborted: By whom, as in the journal; empty for a run that went to its end.
        findings: Checks of the scenario in its order, then steady state, faults, self-checks.
        operations: Phase → operation → its counts and latencies.
    """

    verdict: Verdict
    exit_code: int
    summary: str
    advice: str = ""
    aborted: str = ""
    findings: tuple[Finding, ...]
    phases: tuple[Span, ...]
    faults: tuple[FaultRecord, ...]
    operations: dict[str, dict[str, OperationRow]]

    @property
    def paced(self) -> bool:
        """Whether its phases went by a plan, which begins at second 0.

        Sections of exchanges begin later than that, and take as long as their requests do.
        """
        return not self.phases or self.phases[0].start_s == 0

    @property
    def checks(self) -> list[Finding]:
        """Findings about the API, in the scenario's order."""
        return [finding for finding in self.findings if not finding.kind.about_run]

    @property
    def about_run(self) -> list[Finding]:
        """Findings about the run; those that spoil it first."""
        found = [finding for finding in self.findings if finding.kind.about_run]
        return sorted(found, key=lambda finding: finding.verdict is Verdict.HELD)


def plain(document: VerdictDocument) -> dict[str, Any]:
    """As plain JSON types, the way that verdict.json has it."""
    return {**_plain(document), "findings": [plain_finding(finding) for finding in document.findings]}


def plain_finding(finding: Finding) -> dict[str, Any]:
    """One finding as verdict.json has it: without a counterexample, or anything so far, it has no such key."""
    found = _plain(finding)
    if not finding.so_far:
        del found["so_far"]
    if finding.counterexample is None:
        del found["counterexample"]
    return found


def _plain(what: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(what))
    return found
