"""A forced schedule as two lanes: when A ran and was held, when B ran and waited for A's lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chaos.model.interleaving import Schedule, Step
from dashboard import markup
from dashboard.markup import Cell

RUNS, HELD, WAITS = "runs", "held", "waits"
LEAST_SHARE = 0.006
"""Share of the width; a shorter segment is drawn that long, so that it can be seen."""
_BECOMES = {"starts": RUNS, "goes_on": RUNS, "held": HELD, "waits": WAITS, "ended": "", "missing": RUNS}


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one lane, in seconds since the run's start."""

    kind: str
    from_s: float
    to_s: float
    what: str


def segments(schedule: Schedule, who: str) -> tuple[Segment, ...]:
    """Segments of the lane *who*, `A` or `B`. A request that waits for a lock runs again once the other one goes on."""
    found: list[Segment] = []
    kind, since, what = "", 0.0, ""
    for step in schedule.steps:
        if (becomes := _change(step, who, kind)) is None:
            continue
        if kind:
            found.append(Segment(kind, since, step.at, what))
        kind, since, what = becomes, step.at, step.what
    if kind and schedule.steps:
        found.append(Segment(kind, since, schedule.steps[-1].at, what))
    return tuple(found)


def _change(step: Step, who: str, kind: str) -> str | None:
    """What the lane becomes by this step; None when it stays."""
    if step.who == who:
        return _BECOMES.get(step.kind)
    return RUNS if kind == WAITS and step.kind == "goes_on" else None


def lanes(schedule: Schedule) -> str:
    """Both lanes as HTML; a list of the same steps stands below for whoever can't see them."""
    first_s = schedule.steps[0].at if schedule.steps else 0.0
    whole_s = max((schedule.steps[-1].at - first_s) if schedule.steps else 0.0, 1e-6)
    rows = []
    for who, role in zip("AB", schedule.pair, strict=True):
        bars = "".join(_bar(segment, first_s, whole_s) for segment in segments(schedule, who))
        rows.append(
            f"<div class='fd-lane'><b>{who}</b><span class='fd-quiet'>{markup.text(role)}</span>"
            f"<div class='fd-track'>{bars}</div></div>"
        )
    legend = "<p class='fd-quiet'>Solid: runs. Striped: held by the gate. Outlined: waits for a lock of the other.</p>"
    return f"<div class='fd-lanes' role='img' aria-label='{markup.text(_told(schedule))}'>{''.join(rows)}</div>{legend}"


def _bar(segment: Segment, first_s: float, whole_s: float) -> str:
    left = (segment.from_s - first_s) / whole_s
    width = min(max((segment.to_s - segment.from_s) / whole_s, LEAST_SHARE), 1 - left)
    said = markup.text(segment.what)
    return (
        f"<div class='fd-bar fd-{segment.kind}' style='left:{left * 100:.2f}%;width:{max(width, 0) * 100:.2f}%'"
        f" title='{said}'></div>"
    )


def _told(schedule: Schedule) -> str:
    return f"{schedule.id}: " + "; ".join(f"{step.who} {step.what}" for step in schedule.steps)


def listed(schedules: Sequence[Schedule]) -> tuple[list[Cell], list[list[Cell]]]:
    """Head and rows: one schedule each, in the order in which they were tried."""
    head = [
        Cell(html="Schedule"),
        Cell(html="A is held", wide_only=True),
        Cell(html="Hold", tight=True),
        Cell(html="A answered"),
        Cell(html="B answered"),
        Cell(html="Took", tight=True, wide_only=True),
    ]
    return head, [_listed(schedule) for schedule in schedules]


def _listed(schedule: Schedule) -> list[Cell]:
    stop = schedule.stop
    where = "" if stop is None else f"{stop.kind}: {stop.statement} {stop.place}".strip()
    return [
        Cell(html=markup.text(schedule.id)),
        Cell(html=markup.text(where), wide_only=True),
        Cell(html=markup.text(schedule.note or str(schedule.held).replace("_", " ")), tight=not schedule.note),
        Cell(html=markup.text(schedule.a.answer)),
        Cell(html=markup.text(schedule.b.answer)),
        Cell(html=f"{schedule.took_s * 1000:.0f} ms", tight=True, wide_only=True),
    ]


def steps(schedule: Schedule) -> tuple[list[Cell], list[list[Cell]]]:
    """Head and rows of the same, in words."""
    first_s = schedule.steps[0].at if schedule.steps else 0.0
    head = [Cell(html="After", tight=True), Cell(html="Who", tight=True), Cell(html="What")]
    return head, list(_rows(schedule, first_s))


def _rows(schedule: Schedule, first_s: float) -> Iterator[list[Cell]]:
    for step in schedule.steps:
        yield [
            Cell(html=f"+{(step.at - first_s) * 1000:.1f} ms", tight=True),
            Cell(html=f"<strong>{markup.text(step.who)}</strong>", tight=True),
            Cell(html=markup.text(step.what)),
        ]
