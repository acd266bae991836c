"""Self-checks of time: the wall clock was not set, the machine did not sleep, the runner did not stand still."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chaos.judge.record import number, self_check
from chaos.model.clocks import LATE_S, STEP_S, ClockReading, Disturbance, disturbances
from chaos.model.folder import File
from chaos.model.journal import Event, EventKind
from chaos.model.span import Span
from chaos.model.verdict import Finding

WALL_CLOCK, AWAKE, RUNNER_RAN, WATCHED = (
    "self_check:wall_clock", "self_check:awake", "self_check:runner_ran", "self_check:clocks_watched",
)  # fmt: skip
MOST_TOLD = 3


def clock_findings(
    readings: Sequence[ClockReading], events: Sequence[Event], phases: Sequence[Span]
) -> Iterator[Finding]:
    """One finding each: the wall clock kept pace, the machine was awake, the runner ran, the clocks were watched."""
    zero_s, distance_s = _zero(readings, events)
    found = list(disturbances(readings, distance_s=distance_s))
    yield _finding(WALL_CLOCK, f"the wall clock kept pace, within {STEP_S * 1000:g} ms", found, "set", zero_s)
    yield _finding(AWAKE, "the machine was awake", found, "slept", zero_s)
    yield _finding(RUNNER_RAN, f"the runner never stood still for {LATE_S:g} s", found, "stood_still", zero_s)
    yield self_check(
        _name(WATCHED),
        "the clocks were read once a second, until the load had ended",
        _unwatched(readings, zero_s, phases),
        measured=f"{len(readings)} readings",
    )


def _zero(readings: Sequence[ClockReading], events: Sequence[Event]) -> tuple[float, float | None]:
    """Second 0 on the monotonic clock, and the clocks' difference by which witnesses' times are mapped.

    Without a load: the first reading, and None, since no times were mapped.
    """
    for event in events:
        wall_s, steady_s = number(event.data, "t0_unix_s"), number(event.data, "t0_steady_s")
        if event.event is EventKind.LOAD_STARTED and wall_s is not None and steady_s is not None:
            return steady_s, wall_s - steady_s
    return (readings[0].steady_s if readings else 0.0), None


def _finding(check: str, expected: str, found: Sequence[Disturbance], kind: str, zero_s: float) -> Finding:
    ours = [one for one in found if one.kind == kind]
    told = "; ".join(one.says("runner", one.steady_s - zero_s) for one in ours[:MOST_TOLD])
    more = f"; and {len(ours) - MOST_TOLD} times more" if len(ours) > MOST_TOLD else ""
    figures = {"at_s": round(ours[0].steady_s - zero_s, 3), "by_s": round(ours[0].by_s, 3)} if ours else {}
    return self_check(_name(check), expected, told + more, figures=figures)


def _unwatched(readings: Sequence[ClockReading], zero_s: float, phases: Sequence[Span]) -> str:
    if not readings:
        return f"nobody watched the clocks: {File.CLOCKS} is missing or empty"
    ends_s = phases[-1].end_s if phases else 0.0
    if readings[0].steady_s > zero_s or readings[-1].steady_s < zero_s + ends_s:
        from_s, to_s = readings[0].steady_s - zero_s, readings[-1].steady_s - zero_s
        return f"the clocks were watched from {from_s:.1f} s to {to_s:.1f} s, not to the load's end at {ends_s:g} s"
    return ""


def _name(check: str) -> str:
    return check.partition(":")[2]
