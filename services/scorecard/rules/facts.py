"""What is known of a drill: its runs, hints, scores and confirmations; and which runs count."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

LEARNER_VARIANT = "attempt"
MUTANT_PREFIX = "mutant_"
DRAFT_PREFIX = "draft_"
"""Variants that the lab makes to measure its own checks."""
OWN_PREFIX = "own/"
LEAST_SCALE = 0.75
"""Factor on all rates below which a verdict on the learner's code says nothing: measured by the lab, its FLOOR."""
OWNER, INDEPENDENT, ASSISTED, UNFAMILIAR = 3, 2, 1, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFact:
    """The facts of a run that the rules need.

    Attributes:
        verdict: `held`, `inconclusive` or `violated`.
        scale: Factor on all rates; None for a run from before it was recorded, which counts as enough load.
        repeats: An earlier run of its scenario had the same seed; set by `essential`, which may leave out that run.
        row: On how many seeds its scenario had held in a row by then; None when it is not counted yet.
    """

    run_id: str
    scenario: str
    variant: str
    seed: int
    verdict: str
    started_at: datetime
    scale: float | None = None
    repeats: bool = False
    row: int | None = None

    @property
    def decided(self) -> bool:
        """Held or violated under enough load. With less it counts as inconclusive; its seed counts as used."""
        return self.verdict in ("held", "violated") and enough_load(self.scale)

    @property
    def held(self) -> bool:
        return self.decided and self.verdict == "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class HintFact:
    """A hint that was opened; `solution` when it gives the solution away."""

    key: str
    solution: bool
    used_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFact:
    """A self-score as it was from *changed_at* on."""

    value: int | None
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationFact:
    """A mentor's re-run that held."""

    mentor: str
    confirmed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillFacts:
    """Everything about one drill.

    Attributes:
        holds: On how many seeds in a row a scenario of the core has to hold: in one run a race may not occur by chance.
        runs: Of the learner's variant; others are ignored.
        scores: Every change of the self-score, in any order.
    """

    key: str
    number: int
    title: str
    dimensions: tuple[str, ...] = ()
    core: tuple[str, ...] = ()
    stretch: tuple[str, ...] = ()
    holds: int = 1
    runs: tuple[RunFact, ...] = ()
    hints: tuple[HintFact, ...] = ()
    scores: tuple[ScoreFact, ...] = ()
    confirmations: tuple[ConfirmationFact, ...] = ()

    def until(self, end: datetime) -> DrillFacts:
        """As it was just before *end*."""
        return DrillFacts(
            key=self.key,
            number=self.number,
            title=self.title,
            dimensions=self.dimensions,
            core=self.core,
            stretch=self.stretch,
            holds=self.holds,
            runs=tuple(run for run in self.runs if run.started_at < end),
            hints=tuple(hint for hint in self.hints if hint.used_at < end),
            scores=tuple(score for score in self.scores if score.changed_at < end),
            confirmations=tuple(each for each in self.confirmations if each.confirmed_at < end),
        )

    @property
    def value(self) -> int | None:
        """The self-score as it is now: its last change."""
        return max(self.scores, key=lambda score: score.changed_at).value if self.scores else None


def enough_load(scale: float | None) -> bool:
    """Whether a run at *scale* has enough load to count."""
    return scale is None or scale >= LEAST_SCALE


def latest_decided(runs: Iterable[RunFact]) -> dict[str, RunFact]:
    """The newest held or violated run of each scenario. A later inconclusive run does not change it."""
    newest: dict[str, RunFact] = {}
    for run in runs:
        if run.decided and (run.scenario not in newest or age(run) > age(newest[run.scenario])):
            newest[run.scenario] = run
    return newest


def in_a_row(runs: Iterable[RunFact]) -> Iterator[tuple[RunFact, int]]:
    """The decided ones of one scenario's runs, oldest first, each with how many seeds had held in a row by then."""
    seeds: set[int] = set()
    for run in sorted(runs, key=age):
        if not run.decided:
            continue
        if run.held:
            seeds.add(run.seed)
        else:
            seeds.clear()
        yield run, len(seeds) if run.row is None else run.row


def fresh(runs: Iterable[RunFact]) -> list[RunFact]:
    """Those of one scenario's runs whose seed no earlier one had, oldest first."""
    seen: set[int] = set()
    found = []
    for run in sorted(runs, key=age):
        if run.seed not in seen and not run.repeats:
            found.append(run)
        seen.add(run.seed)
    return found


def essential(runs: Iterable[RunFact], *, holds: int = 1, cuts: Iterable[datetime] = ()) -> tuple[RunFact, ...]:
    """Those of a drill's runs that can change an answer of these rules, now and at the end of any month.

    They stay few when runs become many, so that a page does not take longer with every run.

    Args:
        holds: The drill's.
        cuts: Other moments at which the rules look at the runs: when hints were opened.
    """
    moments = sorted(cuts)
    by_scenario: dict[str, list[RunFact]] = defaultdict(list)
    for run in sorted(runs, key=age):
        by_scenario[run.scenario].append(run)
    return tuple(run for tried in by_scenario.values() for run in _essential(tried, holds, moments))


def _essential(runs: Sequence[RunFact], holds: int, cuts: Sequence[datetime]) -> list[RunFact]:
    """Of one scenario's runs, oldest first: per stretch of time the last of each kind, and the first that held.

    *repeats* and *row* of each are computed from all runs, so they stay right when the others are left out.
    """
    on_a_fresh_seed = {run.run_id for run in fresh(runs)}
    rows = {run.run_id: seeds for run, seeds in in_a_row(runs)}
    kept: dict[object, RunFact] = {}
    for each in runs:
        run = replace(each, repeats=each.run_id not in on_a_fresh_seed, row=rows.get(each.run_id))
        span = month_of(run.started_at), bisect_right(cuts, run.started_at)
        kept["last", span] = run
        if run.decided:
            kept["decided", span] = run
        if run.held:
            kept.setdefault("held", run)
            if rows[run.run_id] >= holds:
                kept.setdefault("passed", run)
            if not run.repeats:
                kept.setdefault("fresh", run)
                kept["fresh", span] = run
    return sorted({run.run_id: run for run in kept.values()}.values(), key=age)


def month_of(at: datetime) -> str:
    """`YYYY-MM`, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m")


def start_of(month: str) -> datetime:
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC)


def end_of(month: str) -> datetime:
    """The first moment of the month after."""
    return (start_of(month) + timedelta(days=32)).replace(day=1)


def age(run: RunFact) -> tuple[datetime, str]:
    return run.started_at, run.run_id
