"""What follows from all drills together: average, radar, trend, and the levels with what is missing for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.scorecard.rules.facts import INDEPENDENT, OWNER, DrillFacts, end_of, month_of, start_of
from services.scorecard.rules.standings import RedFlag, red_flags


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
    """One thing that is missing for a level. `drill` is None when it is not a drill's score."""

    text: str
    drill: int | None = None
    has: int | None = None
    needs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A completion level.

    Attributes:
        asks: What it takes and what it means, for people.
        needs: Drill → the least self-score.
        own_scenario: It takes a scenario of the learner's own as well.
    """

    key: str
    name: str
    asks: str
    needs: Mapping[int, int]
    own_scenario: bool = False


ALL_DRILLS = range(1, 7)
LEVELS = (
    Level(
        key="bridge-engineer",
        name="Bridge Engineer",
        asks="Drills 1 to 4 at 2 or more: audits contracts, fixes queries, keeps async safe, secures endpoints.",
        needs=dict.fromkeys((1, 2, 3, 4), INDEPENDENT),
    ),
    Level(
        key="system-owner",
        name="System Owner",
        asks="All six at 2 or more, drills 1, 4 and 5 at 3: owns a backend end to end and foresees its failures.",
        needs={**dict.fromkeys(ALL_DRILLS, INDEPENDENT), 1: OWNER, 4: OWNER, 5: OWNER},
    ),
    Level(
        key="senior-architect",
        name="Senior / Architect",
        asks="All six at 3, and a scenario of one's own that proves itself: sets the standards that others follow.",
        needs=dict.fromkeys(ALL_DRILLS, OWNER),
        own_scenario=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelState:
    """A completion level and what is missing for it; `missing` is empty when the level is reached."""

    key: str
    name: str
    asks: str
    missing: tuple[Missing, ...] = ()

    @property
    def reached(self) -> bool:
        return not self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthState:
    """The state at the end of a month, or now for the current one.

    Attributes:
        has_data: Whether anything was scored, run, opened or confirmed in it; if not, there is no average.
        average: Mean of the scored drills.
    """

    month: str
    has_data: bool
    average: float | None = None
    scored: int = 0
    red_flags: tuple[RedFlag, ...] = field(default=())


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
    """Every level with what is missing for it.

    Args:
        own_scenario: A scenario in `scenarios/own/` has passed the lab's self-test.
    """
    own = Missing(text="a scenario of your own in scenarios/own/ that passes the lab's self-test")
    return tuple(
        LevelState(
            key=level.key,
            name=level.name,
            asks=level.asks,
            missing=(*_below(drills, level.needs), *((own,) if level.own_scenario and not own_scenario else ())),
        )
        for level in LEVELS
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


def _points(drill: DrillFacts) -> int:
    return -1 if drill.value is None else drill.value
