"""A forced schedule in words: what was planned, then step by step what happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chaos.model.interleaving import Held, Schedule, Stop

HELD_WORDS = {
    Held.ANSWERED: "held until B had ended",
    Held.BLOCKED: "held until B waited for a lock of A's",
    Held.TIMED_OUT: "held as long as a hold may last; B neither ended nor waited for a lock",
    Held.NEVER: "never held: A did not come there",
    Held.CUT: "A ended the hold by itself, by a timeout of its own",
}


def lines(schedule: Schedule) -> Iterator[str]:
    """For a terminal: without colour, a line each."""
    yield f"{schedule.id}: {title(schedule)}"
    first_s = schedule.steps[0].at if schedule.steps else 0.0
    for step in schedule.steps:
        yield f"  +{(step.at - first_s) * 1000:7.1f} ms  {step.who:<3} {step.what}"
    if schedule.note:
        yield f"  it could not begin: {schedule.note}"
    yield f"  in the end: A ({schedule.a.role}) {schedule.a.answer}; B ({schedule.b.role}) {schedule.b.answer}"


def title(schedule: Schedule) -> str:
    """`A buy, held before UPDATE shop_tickettier; B buy`."""
    a, b = schedule.pair
    if schedule.learnt:
        return f"{a} alone, {len(schedule.stops)} stops"
    at = "" if schedule.stop is None else f", held {where(schedule.stop)}"
    second = "" if schedule.second_stop is None else f", held {where(schedule.second_stop)}"
    return f"A {a}{at}; B {b}{second}"


def where(stop: Stop) -> str:
    """`before UPDATE shop_order (services.py:64 cancel_order)`, `before the commit of …`."""
    place = f" ({stop.place})" if stop.place else ""
    if stop.kind == "write":
        return f"before {stop.statement}{place}"
    return (
        f"before its commit{place}" if stop.statement == "COMMIT" else f"before the commit of {stop.statement}{place}"
    )


def outcome(schedule: Schedule) -> str:
    """How the hold ended, or why the schedule could not begin."""
    return schedule.note or HELD_WORDS[schedule.held]


COLUMNS = ("schedule", "A is held", "what became of it", "A", "B", "ms")


def rows(schedules: Sequence[Schedule]) -> list[tuple[str, ...]]:
    """A table of the schedules that were tried, without the first runs."""
    return [
        (
            each.id,
            where(each.stop) if each.stop is not None else "",
            outcome(each),
            each.a.answer,
            each.b.answer,
            f"{each.took_s * 1000:.0f}",
        )
        for each in schedules
        if not each.learnt
    ]
