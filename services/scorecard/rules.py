"""What scores, runs and hints amount to: ceiling, overclaim, regression, red flags, radar, trend, level.

The only place where any of it is computed. Pure: plain facts in, plain answers out; the database, the API, the pages
and the exports only carry them. The table of cases in tests/unit/services/scorecard/test_rules.py is its specification.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

LEARNER_VARIANT = "attempt"
MUTANT_PREFIX = "mutant_"
"""Variants that the lab makes to measure its own checks."""
OWN_PREFIX = "own/"
LEAST_SCALE = 0.75
"""Factor on all rates below which a verdict on the learner's code says nothing: measured by the lab, its FLOOR."""
ABOUT_THE_API = frozenset({"invariant", "slo", "recovery"})
"""Kinds of findings that judge the API. All others are about the run itself: its faults, witnesses, steady state."""
APART = timedelta(days=7)
"""A stretch has to hold twice, and the second time at least so much later."""
OWNER, INDEPENDENT, ASSISTED, UNFAMILIAR = 3, 2, 1, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFact:
    """What counts of a run.

    Attributes:
        verdict: `held`, `inconclusive` or `violated`.
        scale: Factor on all rates; None for a run of before it was kept, which counts.
        repeats: An earlier run of its scenario had the same seed; `essential` knows, as it may leave that one out.
        row: On how many seeds its scenario had held in a row by then; None where that is still to be counted.
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
        """With too little load it says as much as an inconclusive run; its seed was used all the same."""
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
        holds: On how many seeds in a row a scenario of the core has to hold: a race can stay away once by luck.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A drill's self-score against its evidence.

    Attributes:
        ceiling: The score that the evidence supports; None while there is no evidence that decides.
        reason: Why it is that, in a sentence.
        gap: How far the self-score lies above the ceiling; 0 when it does not.
        regressed: Scenarios that held and are violated now.
        self_attested: A score of 3 that no mentor's re-run has confirmed.
    """

    ceiling: int | None
    reason: str
    gap: int = 0
    regressed: tuple[str, ...] = ()
    self_attested: bool = False

    @property
    def overclaim(self) -> bool:
        return self.gap > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RedFlag:
    """Something to look at. `kind` is `critical_gap`, `overclaim` or `regression`."""

    kind: str
    drill: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis of the radar. `mean` is None while none of its drills is scored."""

    key: str
    name: str
    mean: float | None
    scored: int
    drills: tuple[int, ...]
    raise_with: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One thing that is missing for a level. `drill` is None for what no drill gives."""

    text: str
    drill: int | None = None
    has: int | None = None
    needs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelState:
    """A completion level and what is missing for it; nothing is missing of one that is reached."""

    key: str
    name: str
    asks: str
    missing: tuple[Missing, ...] = ()

    @property
    def reached(self) -> bool:
        return not self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthState:
    """A month's end, or now for the current one.

    Attributes:
        has_data: Whether anything was scored, run or opened in it; if not, there is no average.
        average: Mean of the scored drills.
    """

    month: str
    has_data: bool
    average: float | None = None
    scored: int = 0
    red_flags: tuple[RedFlag, ...] = field(default=())


def enough_load(scale: float | None) -> bool:
    """Whether a run at *scale* says anything."""
    return scale is None or scale >= LEAST_SCALE


def latest_decided(runs: Iterable[RunFact]) -> dict[str, RunFact]:
    """The newest held or violated run of each scenario. An inconclusive one says nothing, so it takes nothing away."""
    newest: dict[str, RunFact] = {}
    for run in runs:
        if run.decided and (run.scenario not in newest or _age(run) > _age(newest[run.scenario])):
            newest[run.scenario] = run
    return newest


def standing(drill: DrillFacts) -> Standing:
    """Core held with a solution-level hint: 1; core held: 2; stretch held twice, fresh and unaided: 3."""
    runs = tuple(run for run in drill.runs if run.variant == LEARNER_VARIANT)
    ceiling, reason = _ceiling(drill, runs)
    value = drill.value
    gap = max(0, value - ceiling) if value is not None and ceiling is not None else 0
    return Standing(
        ceiling=ceiling,
        reason=reason,
        gap=gap,
        regressed=_regressed(runs),
        self_attested=value == OWNER and not drill.confirmations,
    )


def _ceiling(drill: DrillFacts, runs: tuple[RunFact, ...]) -> tuple[int | None, str]:
    if not drill.core:
        return None, "No scenario of this lab grades this drill yet, so there is no evidence either way."
    newest = latest_decided(runs)
    broken = [name for name in drill.core if name in newest and newest[name].verdict == "violated"]
    if broken:
        return UNFAMILIAR, f"Core not passed: {_listed(broken)} violated at the last try."
    rows = {name: list(in_a_row(run for run in runs if run.scenario == name)) for name in drill.core}
    missing = _core_missing(rows, drill.holds)
    if missing:
        return None, missing
    core_by = max(_passed_at(row, drill.holds) for row in rows.values())
    if any(hint.solution and hint.used_at <= core_by for hint in drill.hints):
        return ASSISTED, "Core passed, with a hint that gives the solution away."
    if not drill.stretch:
        return INDEPENDENT, "Core passed. This lab has no stretch for this drill, so evidence ends here."
    missing = _stretch_missing(drill, runs, newest)
    if missing:
        return INDEPENDENT, f"Core passed. Stretch: {missing}"
    return OWNER, "Core passed, and the stretch held on fresh seeds without hints, twice and a week apart."


def _core_missing(rows: Mapping[str, Sequence[tuple[RunFact, int]]], holds: int) -> str:
    """What of the core is still to be shown, where none of it is violated; empty when it has passed."""
    if not any(rows.values()):
        return "No evidence yet: no run of the core on your own code has decided anything."
    seeds = {name: row[-1][1] for name, row in rows.items() if row}
    missing = [f"{name} held on {seen} of {holds} seeds in a row" for name, seen in seeds.items() if seen < holds]
    if open_ := [name for name, row in rows.items() if not row]:
        missing.append(f"{_listed(open_)} still to be run on your own code")
    return f"No evidence yet for the whole core: {_listed(missing)}." if missing else ""


def _passed_at(row: Sequence[tuple[RunFact, int]], holds: int) -> datetime:
    """When a scenario of the core first passed: a hint opened after that did not carry it."""
    return min(run.started_at for run, seeds in row if seeds >= holds)


def in_a_row(runs: Iterable[RunFact]) -> Iterator[tuple[RunFact, int]]:
    """Of one scenario's runs those that decided, oldest first, each with how many seeds had held in a row by then."""
    seeds: set[int] = set()
    for run in sorted(runs, key=_age):
        if not run.decided:
            continue
        if run.held:
            seeds.add(run.seed)
        else:
            seeds.clear()
        yield run, len(seeds) if run.row is None else run.row


def _stretch_missing(drill: DrillFacts, runs: tuple[RunFact, ...], newest: Mapping[str, RunFact]) -> str:
    broken = [name for name in drill.stretch if name in newest and newest[name].verdict == "violated"]
    if broken:
        return f"{_listed(broken)} violated at the last try."
    first_hint = min((hint.used_at for hint in drill.hints), default=None)
    never, once = [], []
    for name in drill.stretch:
        held = [
            run.started_at
            for run in fresh(run for run in runs if run.scenario == name)
            if run.held and (first_hint is None or run.started_at < first_hint)
        ]
        if not held:
            never.append(name)
        elif max(held) - min(held) < APART:
            once.append(name)
    if never:
        return f"{_listed(never)} still to hold on a fresh seed without hints."
    if once:
        return f"{_listed(once)} still to hold again on a fresh seed, at least {APART.days} days after the first time."
    return ""


def fresh(runs: Iterable[RunFact]) -> list[RunFact]:
    """Of one scenario's runs those on a seed that no earlier one had, oldest first."""
    seen: set[int] = set()
    found = []
    for run in sorted(runs, key=_age):
        if run.seed not in seen and not run.repeats:
            found.append(run)
        seen.add(run.seed)
    return found


def essential(runs: Iterable[RunFact], *, holds: int = 1, cuts: Iterable[datetime] = ()) -> tuple[RunFact, ...]:
    """Of a drill's runs those that can make a difference to any answer here, now and at the end of any month.

    They are few however many there were: what a page asks for must not take longer with every run.

    Args:
        holds: The drill's.
        cuts: Other moments at which somebody stops to look: when hints were opened.
    """
    moments = sorted(cuts)
    by_scenario: dict[str, list[RunFact]] = defaultdict(list)
    for run in sorted(runs, key=_age):
        by_scenario[run.scenario].append(run)
    return tuple(run for tried in by_scenario.values() for run in _essential(tried, holds, moments))


def _essential(runs: Sequence[RunFact], holds: int, cuts: Sequence[datetime]) -> list[RunFact]:
    """Of one scenario's runs, oldest first: per stretch of time the last of each kind, and the first that held.

    Each carries what it says together with those that are left out.
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
    return sorted({run.run_id: run for run in kept.values()}.values(), key=_age)


def _regressed(runs: tuple[RunFact, ...]) -> tuple[str, ...]:
    newest = latest_decided(runs)
    held = {run.scenario for run in runs if run.held}
    return tuple(sorted(name for name, run in newest.items() if run.verdict == "violated" and name in held))


def red_flags(drills: Sequence[DrillFacts]) -> tuple[RedFlag, ...]:
    """Critical gaps, overclaims and regressions, by drill."""
    found = []
    for drill in drills:
        stands = standing(drill)
        if drill.value == UNFAMILIAR:
            found.append(RedFlag(kind="critical_gap", drill=drill.number, text="critical gap: scored 0"))
        if stands.overclaim:
            text = f"overclaim: scored {drill.value}, the evidence supports {stands.ceiling}"
            found.append(RedFlag(kind="overclaim", drill=drill.number, text=text))
        if stands.regressed:
            text = f"regression: {_listed(stands.regressed)} held before and is violated now"
            found.append(RedFlag(kind="regression", drill=drill.number, text=text))
    return tuple(found)


def average(drills: Sequence[DrillFacts]) -> float | None:
    """Mean of the scored drills."""
    values = [value for drill in drills if (value := drill.value) is not None]
    return round(sum(values) / len(values), 2) if values else None


def radar(dimensions: Sequence[tuple[str, str]], drills: Sequence[DrillFacts]) -> tuple[Axis, ...]:
    """The mean score of each dimension's scored drills, in the order of *dimensions* (key, name)."""
    axes = []
    for key, name in dimensions:
        mapped = [drill for drill in drills if key in drill.dimensions]
        below = sorted(
            (drill for drill in mapped if _points(drill) < OWNER), key=lambda each: (_points(each), each.number)
        )
        axes.append(
            Axis(
                key=key,
                name=name,
                mean=average(mapped),
                scored=sum(drill.value is not None for drill in mapped),
                drills=tuple(drill.number for drill in mapped),
                raise_with=tuple(drill.number for drill in below),
            )
        )
    return tuple(axes)


def weakest(axes: Sequence[Axis], *, most: int = 3) -> tuple[Axis, ...]:
    """The lowest dimensions that can still be raised, those never scored first."""
    open_ = [axis for axis in axes if axis.raise_with]
    return tuple(sorted(open_, key=lambda axis: -1.0 if axis.mean is None else axis.mean)[:most])


def levels(drills: Sequence[DrillFacts], *, own_scenario: bool) -> tuple[LevelState, ...]:
    """The three levels with what is missing for each.

    Args:
        own_scenario: A scenario in `scenarios/own/` has passed the lab's self-test.
    """
    ordered = sorted(drills, key=lambda drill: drill.number)
    bridge = dict.fromkeys((1, 2, 3, 4), INDEPENDENT)
    owner = {number: OWNER if number in (1, 4, 5) else INDEPENDENT for number in range(1, 7)}
    senior = dict.fromkeys(range(1, 7), OWNER)
    own = Missing(text="a scenario of your own in scenarios/own/ that passes the lab's self-test")
    return (
        LevelState(
            key="bridge-engineer",
            name="Bridge Engineer",
            asks="Drills 1 to 4 at 2 or more: audits contracts, fixes queries, keeps async safe, secures endpoints.",
            missing=_below(ordered, bridge),
        ),
        LevelState(
            key="system-owner",
            name="System Owner",
            asks="All six at 2 or more, drills 1, 4 and 5 at 3: owns a backend end to end and foresees its failures.",
            missing=_below(ordered, owner),
        ),
        LevelState(
            key="senior-architect",
            name="Senior / Architect",
            asks="All six at 3, and a scenario of one's own that proves itself: sets the standards that others follow.",
            missing=(*_below(ordered, senior), *(() if own_scenario else (own,))),
        ),
    )


def _below(drills: Sequence[DrillFacts], needs: Mapping[int, int]) -> tuple[Missing, ...]:
    by_number = {drill.number: drill for drill in drills}
    found = []
    for number, needed in needs.items():
        drill = by_number.get(number)
        value = drill.value if drill else None
        if value is None or value < needed:
            title = f"drill {number}" + (f" ({drill.title})" if drill else "")
            has = "not scored" if value is None else f"at {value}"
            found.append(Missing(text=f"{title}: {has}, needs {needed}", drill=number, has=value, needs=needed))
    return tuple(found)


def proves_itself(
    *,
    must: Iterable[str],
    may: Iterable[str],
    naive_violated: Iterable[str],
    naive_verdict: str,
    hardened_verdict: str,
    naive_open: Iterable[str] = (),
) -> bool:
    """Whether a scenario's last runs are what it says that they prove: as the lab's self-test asks.

    Args:
        naive_open: What the run on naive has `left_open`. An exact invariant is violated all the same, but it was not
            shown that this is the fault's doing.
    """
    must, violated = set(must), set(naive_violated)
    named = must <= violated <= must | set(may)
    told = named and not any(naive_open)
    return bool(must) and told and naive_verdict == "violated" and hardened_verdict == "held"


def left_open(findings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of the checks of the run itself that could not tell."""
    return [
        str(each.get("check"))
        for each in findings
        if each.get("verdict") == "inconclusive" and each.get("kind") not in ABOUT_THE_API
    ]


def trend(
    drills: Sequence[DrillFacts], *, now: datetime, noted: Iterable[str] = (), most: int = 60
) -> list[MonthState]:
    """Every month from the first one with data or notes to the current one, oldest first.

    Args:
        noted: Months (`YYYY-MM`) that have notes; a month of notes alone has no data.
    """
    moments = [at.astimezone(UTC) for drill in drills for at in _moments(drill)]
    active = {month_of(at) for at in moments}
    first = min([*active, *noted, month_of(now)])
    months: list[str] = []
    month = month_of(now)
    while month >= first and len(months) < most:
        months.append(month)
        month = month_of(start_of(month) - timedelta(days=1))
    return [_month(drills, month, active=month in active) for month in reversed(months)]


def _month(drills: Sequence[DrillFacts], month: str, *, active: bool) -> MonthState:
    if not active:
        return MonthState(month=month, has_data=False)
    then = [drill.until(end_of(month)) for drill in drills]
    return MonthState(
        month=month,
        has_data=True,
        average=average(then),
        scored=sum(drill.value is not None for drill in then),
        red_flags=red_flags(then),
    )


def _moments(drill: DrillFacts) -> list[datetime]:
    return [
        *(run.started_at for run in drill.runs),
        *(score.changed_at for score in drill.scores),
        *(hint.used_at for hint in drill.hints),
        *(each.confirmed_at for each in drill.confirmations),
    ]


def month_of(at: datetime) -> str:
    """`YYYY-MM`, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m")


def start_of(month: str) -> datetime:
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC)


def end_of(month: str) -> datetime:
    """The first moment of the month after."""
    return (start_of(month) + timedelta(days=32)).replace(day=1)


def _age(run: RunFact) -> tuple[datetime, str]:
    return run.started_at, run.run_id


def _points(drill: DrillFacts) -> int:
    return -1 if drill.value is None else drill.value


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
